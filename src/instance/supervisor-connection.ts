import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";

import { codeOf } from "../base/coded-error.ts";
import type { ClusterStatus, SupervisorRequest } from "./cluster-status.ts";

/**
 * Asks the supervisor that listens on `socketPath` and returns its answers until it closes the connection; undefined
 * where no supervisor runs. Ends when `signal` aborts.
 */
export async function askSupervisor(
  socketPath: string,
  request: SupervisorRequest,
  signal?: AbortSignal,
): Promise<AsyncIterable<ClusterStatus> | undefined> {
  const socket = connect(socketPath);
  try {
    await once(socket, "connect", signal === undefined ? {} : { signal });
  } catch (error) {
    socket.destroy();
    const code = codeOf(error);
    // ENOENT: never started; ECONNREFUSED: its process ended without removing the socket.
    if (code === "ENOENT" || code === "ECONNREFUSED") return undefined;
    throw error;
  }
  // A supervisor that is killed resets the connection, before the first answer is read too: for the reader that is its end.
  socket.on("error", () => {});
  socket.write(`${JSON.stringify(request)}\n`);
  return readStatuses(socket, signal);
}

/** Returns the present status, undefined where no supervisor runs. */
export async function supervisorStatus(socketPath: string): Promise<ClusterStatus | undefined> {
  const answers = await askSupervisor(socketPath, { command: "status" }, AbortSignal.timeout(5000));
  if (answers === undefined) return undefined;
  for await (const status of answers) return status;
  return undefined;
}

async function* readStatuses(socket: Socket, signal: AbortSignal | undefined): AsyncGenerator<ClusterStatus> {
  const lines = createInterface({ input: socket });
  // A destroyed socket has no end, which the lines would wait for.
  const end = () => lines.close();
  signal?.addEventListener("abort", end, { once: true });
  lines.on("error", () => {});
  try {
    for await (const line of lines) yield JSON.parse(line) as ClusterStatus;
  } finally {
    signal?.removeEventListener("abort", end);
    socket.destroy();
  }
}

import { rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";

import { disposable } from "../base/disposable.ts";
import type { ClusterStatus, SupervisorRequest } from "../instance/cluster-status.ts";

/** What the supervisor lends to its socket. */
interface Answers {
  status(): ClusterStatus;
  /** Calls `listener` after every change until the returned function is called. */
  subscribe(listener: () => void): () => void;
  down(): void;
}

/**
 * Answers `SupervisorRequest` lines on a Unix socket that only its owner can reach. The caller holds the lock of the data
 * directory, so what lies at `path` is left over. Disposing of it ends all connections after what was written.
 */
export async function listenForRequests(path: string, answers: Answers): Promise<AsyncDisposable> {
  await rm(path, { force: true });
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
    socket.on("error", () => socket.destroy());
    serve(socket, answers);
  });
  await listen(server, path);
  return disposable(async () => {
    server.close();
    await Promise.all([...connections].map(ended));
    await rm(path, { force: true });
  });
}

/** Resolves when what was written has gone out: the process may end right after. */
async function ended(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    socket.once("close", () => resolve());
    socket.setTimeout(FLUSH_TIMEOUT_MS, () => socket.destroy());
    socket.end(resolve);
  });
}

const FLUSH_TIMEOUT_MS = 1000;

async function listen(server: Server, path: string): Promise<void> {
  const umask = process.umask(0o077);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
  } finally {
    process.umask(umask);
  }
}

function serve(socket: Socket, answers: Answers): void {
  const lines = createInterface({ input: socket });
  // It passes on the errors of its input, and nobody may end the supervisor by hanging up.
  lines.on("error", () => {});
  lines.once("line", (line) => {
    const request = parseRequest(line);
    if (request === undefined) {
      socket.destroy();
      return;
    }
    const send = () => {
      if (!socket.destroyed) socket.write(`${JSON.stringify(answers.status())}\n`);
    };
    if (request.command === "status") {
      send();
      socket.end();
      return;
    }
    socket.once("close", answers.subscribe(send));
    send();
    if (request.command === "down") answers.down();
  });
}

function parseRequest(line: string): SupervisorRequest | undefined {
  try {
    const request = JSON.parse(line) as SupervisorRequest;
    return ["status", "watch", "down"].includes(request.command) ? request : undefined;
  } catch {
    return undefined;
  }
}

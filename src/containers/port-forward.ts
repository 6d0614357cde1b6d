import { once } from "node:events";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";

import { messageOf } from "../base/coded-error.ts";
import { CriError } from "../cri/cri-error.ts";
import { insideNamespace } from "../linux/namespaces.ts";
import { openTcpSocket } from "../linux/network-interface.ts";
import type { Engine } from "./engine.ts";

export interface PortForwardRequest {
  readonly podSandboxId: string;
  readonly port: number;
  readonly stream: Duplex;
  readonly signal?: AbortSignal | undefined;
}

/** Connects a stream to a TCP port on the sandbox's loopback interface; resolves when both directions have ended. */
export async function portForward(engine: Engine, request: PortForwardRequest): Promise<void> {
  const { podSandboxId, port, stream, signal } = request;
  const sandbox = engine.sandboxes.get(podSandboxId);
  if (sandbox.state !== "READY")
    throw new CriError("FAILED_PRECONDITION", `Cannot forward to "${podSandboxId}": not ready`);
  const socket = openSocket(sandbox.pins.net);
  try {
    socket.connect({ host: "127.0.0.1", port });
    await once(socket, "connect", signal === undefined ? {} : { signal });
  } catch (cause) {
    socket.destroy();
    signal?.throwIfAborted();
    throw new CriError("UNAVAILABLE", `Cannot connect to port ${port} of "${podSandboxId}": ${messageOf(cause)}`, {
      cause,
    });
  }
  const options = signal === undefined ? {} : { signal };
  await Promise.all([pipeline(stream, socket, options), pipeline(socket, stream, options)]);
}

/** A socket belongs to the namespace in which it was made, wherever it is connected from. */
function openSocket(netns: string | undefined): Socket {
  if (netns === undefined) return new Socket({ allowHalfOpen: true });
  return new Socket({ fd: insideNamespace("net", netns, openTcpSocket), allowHalfOpen: true });
}

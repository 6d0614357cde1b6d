import { join } from "node:path";

import type { SeqpacketSocket } from "node-unix-socket";

import type { RuntimeDirectories } from "./runtime-directories.ts";
import { RuntimeError } from "./runtime-error.ts";

/** A connection to a container's own streams. */
export interface Attachment {
  /** Sends input to the container. Resolves when conmon has taken it. */
  write(data: Buffer): Promise<void>;
  /** Ends the container's input where it was created to end with its first client. */
  end(): void;
  /** Resolves when the container has ended or the connection was closed. */
  readonly closed: Promise<void>;
  close(): void;
}

export interface AttachHandlers {
  onStdout(data: Buffer): void;
  onStderr(data: Buffer): void;
}

/**
 * Connects to a container's streams. What comes is handed on at once, never held back: a client that conmon has to wait for
 * stops the container's output and its log. Throws `RuntimeError` (`NOT_RUNNING`).
 */
export async function attach(
  directories: RuntimeDirectories,
  id: string,
  handlers: AttachHandlers,
): Promise<Attachment> {
  // Native code that only attaching needs.
  const { SeqpacketSocket: Socket } = await import("node-unix-socket");
  const socket = new Socket();
  const { promise: closed, resolve: onClose } = Promise.withResolvers<void>();
  socket.on("close", onClose);
  socket.on("end", () => socket.destroy());
  socket.on("data", (packet: Buffer) => {
    // conmon's packets start with the stream's number.
    const data = Buffer.from(packet.subarray(1));
    if (packet[0] === STDOUT) handlers.onStdout(data);
    else if (packet[0] === STDERR) handlers.onStderr(data);
  });
  await connect(socket, join(directories.attach, id, "attach"));
  return {
    write: async (data) => await write(socket, data),
    end: () => socket.end(),
    closed,
    close: () => socket.destroy(),
  };
}

const STDOUT = 2;
const STDERR = 3;

// conmon reads its socket in pieces of this size, and what is beyond is lost.
const MAX_PACKET = 8192;

async function connect(socket: SeqpacketSocket, path: string): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.connect(path, () => resolve());
    });
  } catch (cause) {
    throw new RuntimeError("NOT_RUNNING", `Cannot attach to "${path}": nobody answers there`, { cause });
  }
  socket.on("error", () => socket.destroy());
}

async function write(socket: SeqpacketSocket, data: Buffer): Promise<void> {
  for (let at = 0; at < data.byteLength; at += MAX_PACKET) {
    const length = Math.min(MAX_PACKET, data.byteLength - at);
    await new Promise<void>((resolve) => socket.write(data, at, length, () => resolve()));
  }
}

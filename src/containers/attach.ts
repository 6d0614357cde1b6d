import type { Readable, Writable } from "node:stream";

import type { AttachRequest, ContainerStreams, TerminalSize } from "../cri/runtime-service.ts";
import { attach, type Attachment } from "../runtime/attach.ts";
import { resizeTerminal } from "../runtime/conmon-control.ts";
import { type Bundle, bundleOf } from "../runtime/runtime-directories.ts";
import type { Engine } from "./engine.ts";
import { runningContainer } from "./exec-sync.ts";

export interface AttachOptions {
  readonly streams: ContainerStreams;
  readonly signal?: AbortSignal | undefined;
}

/** Connects streams to a container's own process; resolves when it ends or the client goes. */
export async function attachContainer(engine: Engine, request: AttachRequest, options: AttachOptions): Promise<void> {
  const { containerId } = request;
  const { streams, signal } = options;
  runningContainer(engine, containerId);
  const { directories } = engine.runtime;
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  const attachment = await attach(directories, containerId, {
    onStdout: (data) => forward(streams.stdout, data, leave),
    onStderr: (data) => forward(streams.stderr, data, leave),
  });
  const left = signal === undefined ? gone.signal : AbortSignal.any([gone.signal, signal]);
  left.addEventListener("abort", () => attachment.close(), { once: true });
  if (left.aborted) attachment.close();
  const input = request.stdin && streams.stdin !== undefined ? pump(streams.stdin, attachment) : Promise.resolve();
  const sizes =
    streams.resize === undefined ? Promise.resolve() : followSizes(streams.resize, bundleOf(directories, containerId));
  // Both end with their client, which may stay longer than the container.
  void input.catch(leave);
  void sizes.catch(() => {});
  await attachment.closed;
}

// A client that far behind will not come back, and conmon must not wait for it.
const MAX_BEHIND_BYTES = 16 * 1024 * 1024;

function forward(stream: Writable | undefined, data: Buffer, leave: () => void): void {
  if (stream === undefined || stream.destroyed) return;
  stream.write(data);
  if (stream.writableLength > MAX_BEHIND_BYTES) leave();
}

async function pump(stdin: Readable, attachment: Attachment): Promise<void> {
  for await (const chunk of stdin) await attachment.write(Buffer.from(chunk as Uint8Array));
  attachment.end();
}

async function followSizes(sizes: AsyncIterable<TerminalSize>, bundle: Bundle): Promise<void> {
  for await (const size of sizes) await resizeTerminal(bundle, size);
}

import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { type PipedProcess, spawnPiped } from "../base/process/spawn-piped.ts";
import { CriError } from "../cri/cri-error.ts";
import type { ContainerStreams, ExecRequest } from "../cri/runtime-service.ts";
import { execArguments, killExec, prepareExec, removeExec } from "../runtime/exec.ts";
import type { AttachOptions } from "./attach.ts";
import type { Engine } from "./engine.ts";
import { runningContainer } from "./exec-sync.ts";

/** Runs a command attached to streams; resolves with its exit code. Aborted, it is killed and the reason thrown. */
export async function exec(engine: Engine, request: ExecRequest, options: AttachOptions): Promise<number> {
  const { containerId, command, tty } = request;
  const { streams, signal } = options;
  runningContainer(engine, containerId);
  signal?.throwIfAborted();
  if (tty)
    throw new CriError("UNIMPLEMENTED", `Cannot run a command in "${containerId}": a terminal is not supported yet`);
  const { directories, oci } = engine.runtime;
  const files = await prepareExec({ directories, containerId, command, terminal: false });
  const kill = (): void => killExec(files);
  signal?.addEventListener("abort", kill, { once: true });
  try {
    const child = await spawnPiped(execArguments(oci, containerId, files));
    await carry(child, request, streams);
    const { exitCode } = await child.exited;
    signal?.throwIfAborted();
    return exitCode;
  } finally {
    signal?.removeEventListener("abort", kill);
    removeExec(files);
  }
}

async function carry(child: PipedProcess, request: ExecRequest, streams: ContainerStreams): Promise<void> {
  // A command that stops reading, or ends, is no fault of its input.
  if (request.stdin && streams.stdin !== undefined) void pipeline(streams.stdin, child.stdin).catch(() => {});
  else child.stdin.end();
  await Promise.all([drain(child.stdout, streams.stdout), drain(child.stderr, streams.stderr)]);
}

/** Reads a stream to its end whether or not somebody wants it: the command would wait otherwise. */
async function drain(from: Readable, to: Writable | undefined): Promise<void> {
  for await (const chunk of from) {
    if (to === undefined || to.destroyed) continue;
    if (!to.write(chunk)) await drained(to);
  }
}

async function drained(stream: Writable): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stream.off("drain", done).off("close", done).off("error", done);
      resolve();
    };
    stream.on("drain", done).on("close", done).on("error", done);
  });
}

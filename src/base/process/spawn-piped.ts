import { closeSync } from "node:fs";
import { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";

import { closeQuietly, openPipe } from "./posix-spawn.ts";
import { type SpawnedProcess, type SpawnOptions, spawnProcess } from "./spawn-process.ts";

/** A program whose standard streams are ours to read and write as it runs. */
export interface PipedProcess extends SpawnedProcess {
  /** Ending it is the end of the program's input. */
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

/** Starts a program with pipes on its standard streams. The caller reads both outputs, or it may wait for ever. */
export async function spawnPiped(
  argv: readonly string[],
  options: Omit<SpawnOptions, "fds"> = {},
): Promise<PipedProcess> {
  const [input, output, errors] = [openPipe(), openPipe(), openPipe()];
  let child: SpawnedProcess;
  try {
    child = await spawnProcess(argv, { ...options, fds: [input.read, output.write, errors.write] });
  } catch (error) {
    for (const fd of [input.write, output.read, errors.read]) closeQuietly(fd);
    throw error;
  } finally {
    for (const fd of [input.read, output.write, errors.write]) closeSync(fd);
  }
  const stdin = new Socket({ fd: input.write, readable: false, writable: true });
  const reader = (fd: number): Socket => new Socket({ fd, readable: true, writable: false });
  return { ...child, stdin, stdout: reader(output.read), stderr: reader(errors.read) };
}

import { watch } from "node:fs";
import { open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

import { AsyncQueue } from "../base/async-queue.ts";

/** A part of Berth that writes a log. */
export type LogRole = "control" | "node" | "supervisor";

/** How far each role's present log file was read, in bytes. */
export type LogPositions = ReadonlyMap<LogRole, number>;

/** Returns the lines of the roles' logs, the kept old file included, in the order of time. */
export async function readLogs(
  directory: string,
  roles: readonly LogRole[],
): Promise<{ readonly lines: readonly string[]; readonly positions: LogPositions }> {
  const positions = new Map<LogRole, number>();
  const lines: string[] = [];
  for (const role of roles) {
    const old = await readOrNothing(join(directory, `${role}.log.1`));
    const current = await readOrNothing(join(directory, `${role}.log`));
    // A line that is being written belongs to what follows.
    const end = current.lastIndexOf(0x0a) + 1;
    positions.set(role, end);
    lines.push(...linesOf(old), ...linesOf(current.subarray(0, end)));
  }
  return { lines: sortByTime(lines), positions };
}

/** Yields the lines that are written after `positions`, until `signal` aborts. */
export async function* followLogs(
  directory: string,
  positions: LogPositions,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const changes = new AsyncQueue<void>();
  // The directory, not the files: a rotated log is another file of the same name.
  const watcher = watch(directory, () => {
    if (changes.length === 0) changes.push();
  });
  signal.addEventListener("abort", () => changes.close(), { once: true });
  try {
    const tails = [...positions].map(([role, position]) => ({ path: join(directory, `${role}.log`), position }));
    changes.push();
    for await (const _ of changes) {
      for (const tail of tails) yield* readTail(tail);
    }
  } finally {
    watcher.close();
  }
}

async function* readTail(tail: { readonly path: string; position: number }): AsyncGenerator<string> {
  const size = await stat(tail.path).then(
    (found) => found.size,
    () => 0,
  );
  if (size < tail.position) tail.position = 0;
  if (size === tail.position) return;
  await using file = await open(tail.path);
  const { buffer, bytesRead } = await file.read(
    Buffer.alloc(size - tail.position),
    0,
    size - tail.position,
    tail.position,
  );
  const end = buffer.subarray(0, bytesRead).lastIndexOf(0x0a) + 1;
  tail.position += end;
  yield* linesOf(buffer.subarray(0, end));
}

async function readOrNothing(path: string): Promise<Buffer> {
  return await readFile(path).catch(() => Buffer.alloc(0));
}

function linesOf(bytes: Buffer): string[] {
  return bytes
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "");
}

/** Lines without a time of their own, as a stack trace's, stay with the line before them. */
function sortByTime(lines: readonly string[]): string[] {
  let time = "";
  const timed = lines.map((line) => {
    time = /"time":"([^"]+)"/.exec(line)?.[1] ?? time;
    return { time, line };
  });
  return timed.sort((a, b) => (a.time < b.time ? -1 : Number(a.time > b.time))).map(({ line }) => line);
}

import { type FSWatcher, watch } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { dirname } from "node:path";

import { codeOf } from "../../base/coded-error.ts";
import { systemClock } from "../../base/clock.ts";
import { Wakeup } from "../wakeup.ts";
import { LogFormatter } from "./log-formatter.ts";
import type { LogOptions } from "./log-options.ts";
import { tailOffset } from "./tail-offset.ts";

export interface LogSource {
  /** The file in CRI format; followed by name, so that a rotated log goes on in its successor. */
  readonly path: string;
  /** Whether more may be written. Asked when everything that is there was read. */
  readonly isRunning: () => Promise<boolean>;
  /** Calls back when the container has changed; returns what ends that. */
  readonly onChange: (callback: () => void) => () => void;
}

/**
 * Yields a container's log in pieces: what the options ask for, and with `follow` what comes until the container has ended or `signal`
 * aborts. A log that is not there is empty. Holds no more than one piece in memory.
 */
export async function* readLog(source: LogSource, options: LogOptions, signal: AbortSignal): AsyncGenerator<Buffer> {
  const formatter = new LogFormatter(options);
  const wakeup = new Wakeup(systemClock);
  const watcher = options.follow ? watchDirectory(source.path, wakeup) : undefined;
  const unsubscribe = options.follow ? source.onChange(() => wakeup.now()) : undefined;
  try {
    yield* readFiles(source, options, { formatter, wakeup, signal });
  } finally {
    watcher?.close();
    unsubscribe?.();
  }
}

interface Reading {
  readonly formatter: LogFormatter;
  readonly wakeup: Wakeup;
  readonly signal: AbortSignal;
}

async function* readFiles(source: LogSource, options: LogOptions, reading: Reading): AsyncGenerator<Buffer> {
  let isFirst = true;
  for (let isDone = false; !isDone && !reading.signal.aborted; isFirst = false) {
    await using file = await openLog(source.path);
    if (file === undefined) {
      isDone = !options.follow || !(await source.isRunning());
      if (!isDone) await waitForMore(reading);
      continue;
    }
    const start = isFirst && options.tailLines !== undefined ? await tailOffset(file, options.tailLines) : 0;
    yield* readFile(file, { source, options, start }, reading);
    isDone = reading.formatter.isFull || !options.follow || !(await isReplaced(file, source.path));
  }
}

interface FileReading {
  readonly source: LogSource;
  readonly options: LogOptions;
  readonly start: number;
}

/** Reads one file to its end; when following, until the container has ended or another file has taken its name. */
async function* readFile(
  file: FileHandle,
  { source, options, start }: FileReading,
  reading: Reading,
): AsyncGenerator<Buffer> {
  const { formatter, signal } = reading;
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  // Asked before the last read: what a container wrote before it ended is read then.
  let mayGrow = true;
  for (let position = start; !signal.aborted && !formatter.isFull;) {
    const { bytesRead } = await file.read(block, 0, block.length, position);
    position += bytesRead;
    const text = formatter.push(block.subarray(0, bytesRead));
    if (text.length > 0) yield text;
    if (bytesRead > 0) continue;
    if (!options.follow || !mayGrow || (await isReplaced(file, source.path))) return;
    mayGrow = await source.isRunning();
    if (mayGrow) await waitForMore(reading);
  }
}

const BLOCK_BYTES = 64 * 1024;
/** Notices of a file system can be lost, and some have none. */
const FALLBACK_MS = 5_000;

async function waitForMore({ wakeup, signal }: Reading): Promise<void> {
  wakeup.at(Date.now() + FALLBACK_MS);
  await wakeup.wait(signal);
}

function watchDirectory(path: string, wakeup: Wakeup): FSWatcher | undefined {
  try {
    const watcher = watch(dirname(path), () => wakeup.now());
    watcher.on("error", () => wakeup.now());
    return watcher;
  } catch {
    return undefined;
  }
}

async function openLog(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function isReplaced(file: FileHandle, path: string): Promise<boolean> {
  const [opened, named] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return named !== undefined && named.ino !== opened.ino;
}

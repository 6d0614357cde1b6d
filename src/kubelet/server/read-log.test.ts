import assert from "node:assert/strict";
import { appendFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type TestContext, test } from "node:test";

import { type LogOptions, parseLogOptions } from "./log-options.ts";
import { type LogSource, readLog } from "./read-log.ts";

const NOW = Date.parse("2026-01-01T00:00:10Z");

function line(second: number, text: string, tag = "F"): string {
  return `2026-01-01T00:00:0${second}.000000001Z stdout ${tag} ${text}\n`;
}

function options(query = ""): LogOptions {
  return parseLogOptions(new URLSearchParams(query), NOW);
}

async function logFile(t: TestContext, content: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "read-log-"));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, "0.log");
  await writeFile(path, content);
  return path;
}

function ended(path: string): LogSource {
  return { path, isRunning: () => Promise.resolve(false), onChange: () => () => {} };
}

async function textOf(path: string, query = ""): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of readLog(ended(path), options(query), AbortSignal.timeout(10_000))) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

test("a log is read without its prefixes, partial lines joined", async (t) => {
  const path = await logFile(t, `${line(1, "one")}${line(2, "two ", "P")}${line(2, "halves")}garbage\n${line(3, "")}`);
  assert.equal(await textOf(path), "one\ntwo halves\n\n");
});

test("timestamps stand once before each whole line", async (t) => {
  const path = await logFile(t, `${line(1, "a ", "P")}${line(1, "b")}`);
  assert.equal(await textOf(path, "timestamps=true"), "2026-01-01T00:00:01.000000001Z a b\n");
});

test("timestamps have nine digits and Z for the zone of most logs", async (t) => {
  const times = ["2026-01-01T00:00:01.5+00:00", "2026-01-01T00:00:01Z", "2026-01-01T00:00:01.123456789+02:00"];
  const path = await logFile(t, times.map((time) => `${time} stdout F x\n`).join(""));
  assert.deepEqual((await textOf(path, "timestamps=true")).trimEnd().split("\n"), [
    "2026-01-01T00:00:01.500000000Z x",
    "2026-01-01T00:00:01.000000000Z x",
    "2026-01-01T00:00:01.123456789+02:00 x",
  ]);
});

test("tailLines, sinceSeconds, sinceTime and limitBytes choose a part", async (t) => {
  const path = await logFile(t, [1, 2, 3, 4].map((second) => line(second, `l${second}`)).join(""));
  assert.equal(await textOf(path, "tailLines=2"), "l3\nl4\n");
  assert.equal(await textOf(path, "tailLines=0"), "");
  assert.equal(await textOf(path, "tailLines=99"), "l1\nl2\nl3\nl4\n");
  assert.equal(await textOf(path, "sinceSeconds=7"), "l3\nl4\n");
  assert.equal(await textOf(path, "sinceTime=2026-01-01T00:00:04Z"), "l4\n");
  assert.equal(await textOf(path, "limitBytes=4"), "l1\nl");
});

test("the tail of a log larger than a block is found", async (t) => {
  const path = await logFile(t, Array.from({ length: 20_000 }, (_, at) => line(1, `line ${at}`)).join(""));
  assert.equal(await textOf(path, "tailLines=3"), "line 19997\nline 19998\nline 19999\n");
  assert.equal((await textOf(path)).split("\n").length, 20_001);
});

test("an absent log is empty", async (t) => {
  assert.equal(await textOf(`${await logFile(t, "")}.absent`), "");
});

test("wrong values are refused by name", () => {
  for (const query of ["tailLines=-1", "tailLines=x", "limitBytes=0", "sinceTime=yesterday", "follow=perhaps"]) {
    assert.throws(() => options(query), new RegExp(query.split("=", 1)[0] ?? ""));
  }
  assert.throws(() => options("sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z"), /at most one of/);
});

test("follow gives what is written later, goes on in a rotated log and ends with the container", async (t) => {
  const path = await logFile(t, line(1, "first"));
  let isRunning = true;
  let changed = () => {};
  const source: LogSource = {
    path,
    isRunning: () => Promise.resolve(isRunning),
    onChange: (callback) => {
      changed = callback;
      return () => {};
    },
  };
  const pieces: string[] = [];
  const reading = (async () => {
    for await (const piece of readLog(source, options("follow=true"), AbortSignal.timeout(20_000))) {
      pieces.push(piece.toString());
    }
  })();
  const until = async (wanted: string) => {
    while (pieces.join("") !== wanted) await delay(5);
  };
  await until("first\n");
  await appendFile(path, line(2, "second"));
  await until("first\nsecond\n");
  await rename(path, `${path}.20260101`);
  await writeFile(path, line(3, "third"));
  await until("first\nsecond\nthird\n");
  await appendFile(path, line(4, "last"));
  isRunning = false;
  changed();
  await reading;
  assert.equal(pieces.join(""), "first\nsecond\nthird\nlast\n");
});

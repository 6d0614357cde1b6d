import assert from "node:assert/strict";
import { appendFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";

import { printLogLine } from "./print-log-line.ts";
import { followLogs, readLogs } from "./read-logs.ts";

describe("readLogs", () => {
  test("merges the roles in the order of time and keeps a stack trace with its line", async (t) => {
    const directory = await temporaryDirectory(t);
    await writeFile(join(directory, "control.log.1"), line(1));
    await writeFile(join(directory, "control.log"), `${line(3)}  at somewhere\n${line(5)}`);
    await writeFile(join(directory, "node.log"), `${line(2)}${line(4)}{"unfinished`);
    const { lines } = await readLogs(directory, ["control", "node", "supervisor"]);
    const order = lines.map((text) => /"msg":"(\d)"/.exec(text)?.[1] ?? text.trim());
    assert.deepEqual(order, ["1", "2", "3", "at somewhere", "4", "5"]);
  });

  test("followLogs goes on where readLogs ended, over a rotation, until it is told to end", async (t) => {
    const directory = await temporaryDirectory(t);
    const file = join(directory, "node.log");
    await writeFile(file, `${line(1)}${line(2)}${line(3)}`);
    const { positions } = await readLogs(directory, ["node"]);
    const end = new AbortController();
    const seen: string[] = [];
    const writes = [
      async () => await appendFile(file, line(4)),
      async () => {
        await rename(file, `${file}.1`);
        await writeFile(file, line(5));
      },
      () => Promise.resolve(end.abort()),
    ];
    await appendFile(file, line(0));
    for await (const text of followLogs(directory, positions, end.signal)) {
      seen.push(/"msg":"(\d)"/.exec(text)?.[1] ?? text);
      await writes.shift()?.();
    }
    assert.deepEqual(seen, ["0", "4", "5"]);
  });
});

test("printLogLine shows time, level, role, message and fields, and other text as it is", () => {
  const entry = { level: "warn", time: "2026-01-01T00:00:00.000Z", role: "node", pod: "a/b", msg: "it is late" };
  const shown = '2026-01-01T00:00:00.000Z WARN  node       it is late pod="a/b"';
  assert.deepEqual([printLogLine(JSON.stringify(entry)), printLogLine("  at x")], [shown, "  at x"]);
});

function line(number: number): string {
  return `${JSON.stringify({ level: "info", time: `2026-01-01T00:00:0${number}.000Z`, msg: String(number) })}\n`;
}

async function temporaryDirectory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "berth-logs-"));
  t.after(async () => await rm(path, { recursive: true, force: true }));
  return path;
}

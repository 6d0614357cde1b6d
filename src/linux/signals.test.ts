import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";

import { identityOf, isRunning } from "./procfs.ts";
import { formatSignal, parseSignal, signalProcess } from "./signals.ts";

test("parseSignal reads every way of writing a signal", () => {
  const cases: [string, number | undefined][] = [
    ["SIGTERM", 15],
    ["term", 15],
    ["9", 9],
    ["SIGRTMIN", 34],
    ["SIGRTMIN+3", 37],
    ["RTMAX-1", 63],
    ["SIGRTMAX+1", undefined],
    ["0", undefined],
    ["65", undefined],
    ["SIGNOTHING", undefined],
    ["", undefined],
    ["constructor", undefined],
  ];
  for (const [text, number] of cases) assert.equal(parseSignal(text), number, text);
});

test("formatSignal gives the name back", () => {
  assert.deepEqual([15, 34, 37].map(formatSignal), ["SIGTERM", "SIGRTMIN", "SIGRTMIN+3"]);
});

test("signalProcess reaches the process it was made for and no other", async () => {
  const child = spawn("sleep", ["30"]);
  const identity = identityOf(child.pid ?? 0);
  assert.ok(identity !== undefined && isRunning(identity));
  assert.equal(signalProcess({ ...identity, startTime: "1" }, 9), false);
  assert.ok(isRunning(identity));
  assert.equal(signalProcess(identity, 9), true);
  await once(child, "exit");
  assert.equal(isRunning(identity), false);
  assert.equal(signalProcess(identity, 9), false);
});

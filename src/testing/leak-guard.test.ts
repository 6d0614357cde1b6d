import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { differences, LeakGuard } from "./leak-guard.ts";

const WORD = "leak-guard-test-word";

test("a process that carries the word in its environment is a leak until it ends", async () => {
  const guard = await LeakGuard.open();
  const child = spawn("sleep", ["60"], { env: { ...process.env, MARK: WORD } });
  await once(child, "spawn");
  const during = await guard.leaks([WORD]);
  child.kill("SIGKILL");
  await once(child, "close");
  const mine = (line: string) => line.startsWith("processes:");
  assert.deepEqual(during.filter(mine), [`processes: + ${child.pid} sleep 60`]);
  assert.deepEqual((await guard.leaks([WORD])).filter(mine), []);
});

test("a directory of ours in the temporary directory is a leak until it is removed", async () => {
  const guard = await LeakGuard.open();
  const path = await mkdtemp(join(tmpdir(), "berth-leak-"));
  const mine = (line: string) => line.includes(path);
  const during = (await guard.leaks([path])).filter(mine);
  await rm(path, { recursive: true });
  assert.deepEqual(during, [`directories: + ${path}`]);
  assert.deepEqual((await guard.leaks([path])).filter(mine), []);
});

test("differences name what came and what went", () => {
  assert.deepEqual(differences(new Set(["a", "b"]), new Set(["b", "c"])), ["+ c", "- a"]);
});

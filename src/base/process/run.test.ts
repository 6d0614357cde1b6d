import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";

import { run } from "./run.ts";
import { spawnDetached, spawnProcess } from "./spawn-process.ts";

describe("base/process run", () => {
  test("returns both outputs and the exit code", async () => {
    const result = await run(["sh", "-c", "echo out; echo err >&2; exit 3"]);
    assert.deepEqual(
      { ...result, stdout: result.stdout.toString(), stderr: result.stderr.toString() },
      { exitCode: 3, signal: undefined, stdout: "out\n", stderr: "err\n", truncated: false },
    );
  });

  test("gives the program exactly the arguments and the environment asked for", async () => {
    const odd = ["a b", "", "$HOME", "é\n'\""];
    const result = await run(["/bin/sh", "-c", 'printf "%s|" "$@"; /usr/bin/env', "sh", ...odd], {
      env: { ONLY: "this one" },
    });
    const [values, environment] = splitAfter(result.stdout.toString(), `${odd.join("|")}|`);
    assert.equal(values, `${odd.join("|")}|`);
    assert.match(environment, /^ONLY=this one$/m);
    assert.doesNotMatch(environment, /^HOME=/m);
  });

  test("standard input is a file that can be opened again by its name", async () => {
    const input = "x".repeat(300_000);
    const result = await run(["cat", "/dev/stdin"], { input });
    assert.equal(result.stdout.toString(), input);
  });

  test("runs in the directory asked for", async () => {
    const directory = mkdtempSync(join(tmpdir(), "berth-run-"));
    const result = await run(["pwd"], { cwd: directory });
    assert.equal(result.stdout.toString(), `${directory}\n`);
    rmSync(directory, { recursive: true });
  });

  test("the program gets no descriptor but those handed over", async () => {
    const leak = openSync("/etc/passwd", "r");
    const result = await run(["sh", "-c", "ls -l /proc/$$/fd"], { extraFds: [leak] });
    closeSync(leak);
    const fds = result.stdout.toString().matchAll(/ (\d+) -> (\S+)/g);
    const names = new Map([...fds].map(([, fd, target]) => [fd, target]));
    assert.deepEqual(new Set(names.keys()), new Set(["0", "1", "2", "3"]));
    assert.equal(names.get("3"), "/etc/passwd");
  });

  test("output past the limit is dropped and said to be", async () => {
    const result = await run(["sh", "-c", "head -c 100000 /dev/zero"], { maxOutputBytes: 1000 });
    assert.deepEqual([result.stdout.byteLength, result.truncated, result.exitCode], [1000, true, 0]);
  });

  test("a program that takes too long is killed with its children", async () => {
    const before = Date.now();
    const running = run(["sh", "-c", "sleep 30 & sleep 30"], { timeoutMs: 100 });
    await assert.rejects(running, { name: "ProcessError", code: "TIMED_OUT" });
    assert.ok(Date.now() - before < 3000);
  });

  test("an aborted run kills the program and throws the reason", async () => {
    const reason = new Error("no longer wanted");
    const controller = new AbortController();
    const running = run(["sleep", "30"], { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 20);
    await assert.rejects(running, reason);
  });

  test("a program killed by a signal reports it, with the shell's exit code", async () => {
    const result = await run(["sh", "-c", "kill -9 $$"]);
    assert.deepEqual([result.exitCode, result.signal], [137, "SIGKILL"]);
  });

  test("a program that does not exist is NOT_FOUND", async () => {
    await assert.rejects(run(["/no/such/program"]), { name: "ProcessError", code: "NOT_FOUND" });
  });

  test("a grandchild that keeps the output open does not hold up the result", async () => {
    const before = Date.now();
    const result = await run(["sh", "-c", "sleep 5 & echo done"]);
    assert.equal(result.stdout.toString(), "done\n");
    assert.ok(Date.now() - before < 3000);
  });

  test("SIGPIPE, which Node ignores, has its default effect in the program", async () => {
    const result = await run(["sh", "-c", "grep SigIgn /proc/self/status"]);
    const ignored = BigInt(`0x${/SigIgn:\s*(\w+)/.exec(result.stdout.toString())?.[1] ?? ""}`);
    assert.equal(ignored & (1n << 12n), 0n);
  });

  test("twenty programs at once all end with their own code", async () => {
    const codes = Array.from({ length: 20 }, (_, index) => index);
    const results = await Promise.all(codes.map((code) => run(["sh", "-c", `exit ${code}`])));
    assert.deepEqual(
      results.map((result) => result.exitCode),
      codes,
    );
  });
});

test("spawnDetached leads a session of its own", async () => {
  const child = await spawnDetached(["sleep", "30"]);
  // proc(5): state, parent, process group and session follow the name.
  const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ");
  child.kill("SIGKILL");
  assert.equal(Number(fields?.[3]), child.pid);
  assert.equal((await child.exited).signal, "SIGKILL");
});

test("spawnProcess hands files over by number, also when numbers overlap", async () => {
  const directory = mkdtempSync(join(tmpdir(), "berth-spawn-"));
  const files = ["a", "b", "c", "d", "e"].map((name) => openSync(join(directory, name), "w+"));
  const fds = ["null", ...files.toReversed()] as const;
  const child = await spawnProcess(["sleep", "30"], { fds });
  const links = [0, 1, 2, 3, 4, 5].map((fd) => readlinkSync(`/proc/${child.pid}/fd/${fd}`));
  child.kill("SIGKILL");
  await child.exited;
  for (const fd of files) closeSync(fd);
  rmSync(directory, { recursive: true });
  assert.deepEqual(links, ["/dev/null", ...["e", "d", "c", "b", "a"].map((name) => join(directory, name))]);
});

function splitAfter(text: string, prefix: string): [string, string] {
  return [text.slice(0, prefix.length), text.slice(prefix.length)];
}

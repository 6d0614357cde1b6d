import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";

import { lockFile } from "./file-lock.ts";

describe("lockFile", () => {
  test("a second holder waits until the first lets go", async (t) => {
    const path = join(await temporaryDirectory(t), "lock");
    const order: string[] = [];
    const first = await lockFile(path, { waitMs: 0 });
    const second = lockFile(path, { waitMs: 5000 }).then((lock) => {
      order.push("second");
      return lock;
    });
    await assert.rejects(lockFile(path, { waitMs: 0 }), { name: "FileLockError", code: "LOCKED" });
    order.push("first");
    await first[Symbol.asyncDispose]();
    await (await second)[Symbol.asyncDispose]();
    assert.deepEqual(order, ["first", "second"]);
  });

  test("a lock is free again when its holder is killed", async (t) => {
    const path = join(await temporaryDirectory(t), "lock");
    const module = new URL("file-lock.ts", import.meta.url).href;
    const program = `const {lockFile} = await import(${JSON.stringify(module)});
      globalThis.lock = await lockFile(${JSON.stringify(path)}, {waitMs: 0}); console.log("held"); setInterval(() => {}, 1000);`;
    const holder = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(holder.stdout, "data");
    await assert.rejects(lockFile(path, { waitMs: 0 }), { code: "LOCKED" });
    holder.kill("SIGKILL");
    await once(holder, "exit");
    await (await lockFile(path, { waitMs: 0 }))[Symbol.asyncDispose]();
  });
});

async function temporaryDirectory(t: { after(fn: () => Promise<void>): void }): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "berth-file-lock-"));
  t.after(async () => await rm(path, { recursive: true, force: true }));
  return path;
}

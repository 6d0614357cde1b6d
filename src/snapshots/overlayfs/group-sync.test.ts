import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { test } from "node:test";

import { GroupSync } from "./group-sync.ts";

test("everyone who asks is told, one after another and together", async () => {
  const sync = new GroupSync(tmpdir());
  await sync.run();
  await Promise.all([sync.run(), sync.run(), sync.run()]);
  const first = sync.run();
  await new Promise((resolve) => setImmediate(resolve));
  await Promise.all([first, sync.run()]);
});

test("a sync that fails is told to all who share it, and the next one is tried anew", async () => {
  const sync = new GroupSync("/nowhere");
  await Promise.all([sync.run(), sync.run()].map((asked) => assert.rejects(asked, { code: "ENOENT" })));
  await assert.rejects(sync.run(), { code: "ENOENT" });
});

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { RotatingLog } from "./rotating-log.ts";

test("a log that would grow past its limit goes on in a new file and keeps the one before", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "berth-log-"));
  t.after(async () => await rm(directory, { recursive: true }));
  const path = join(directory, "below", "role.log");
  const log = new RotatingLog(path, 10);
  for (const line of ["first\n", "second\n", "third\n"]) log.write(line);
  log.close();
  const again = new RotatingLog(path, 10);
  again.write("4\n");
  again.close();
  assert.deepEqual([await readFile(path, "utf8"), await readFile(`${path}.1`, "utf8")], ["third\n4\n", "second\n"]);
});

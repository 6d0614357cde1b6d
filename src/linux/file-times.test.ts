import assert from "node:assert/strict";
import { closeSync, lstatSync, mkdtempSync, openSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { setFileTimes, setLinkTimes } from "./file-times.ts";

test("times are set to the nanosecond, of files and of links themselves", () => {
  const directory = mkdtempSync(join(tmpdir(), "berth-times-"));
  try {
    const file = join(directory, "file");
    const link = join(directory, "link");
    const fd = openSync(file, "w");
    symlinkSync("nowhere", link);
    for (const nanoseconds of [123_456_789, 0]) {
      setFileTimes(fd, { seconds: 1_700_000_001, nanoseconds });
      setLinkTimes(link, { seconds: 1_700_000_002, nanoseconds });
      assert.equal(lstatSync(file, { bigint: true }).mtimeNs, 1_700_000_001_000_000_000n + BigInt(nanoseconds));
      assert.equal(lstatSync(link, { bigint: true }).mtimeNs, 1_700_000_002_000_000_000n + BigInt(nanoseconds));
    }
    closeSync(fd);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

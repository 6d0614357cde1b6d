import assert from "node:assert/strict";
import { test } from "node:test";

import { formatBytes } from "./format-bytes.ts";

test("formatBytes prints bytes in the largest unit that they fill", () => {
  assert.deepEqual([0, 1023, 1024, 65_116_570, 3 * 1024 ** 3, 2000 * 1024 ** 4].map(formatBytes), [
    "0 B",
    "1023 B",
    "1.0 KiB",
    "62.1 MiB",
    "3.0 GiB",
    "2000.0 TiB",
  ]);
});

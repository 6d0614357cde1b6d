import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { test } from "node:test";

import { tarEnd, tarFileHeader, tarPadding } from "./tar-file.ts";

test("GNU tar lists files of any name and size as they are", () => {
  const names = ["index.json", "a".repeat(100), `blobs/sha512/${"b".repeat(128)}`, "é".repeat(60), "c".repeat(985)];
  const parts = names.flatMap((name, index) => {
    const content = Buffer.alloc(index * 300, "x");
    return [tarFileHeader(name, content.length), content, tarPadding(content.length)];
  });
  const listed = execFileSync("tar", ["-tv", "--quoting-style=literal", "--full-time", "-f", "-"], {
    input: Buffer.concat([...parts, tarEnd()]),
    encoding: "utf8",
  });
  const files = listed
    .trim()
    .split("\n")
    .map((line) => line.split(/\s+/));
  assert.deepEqual(
    files.map((fields) => fields.at(-1)),
    names,
  );
  assert.deepEqual(
    files.map((fields) => Number(fields[2])),
    names.map((_, index) => index * 300),
  );
});

test("a file of more than 8 GiB has its size in base 256", () => {
  const size = 9 * 1024 ** 3;
  // tar misses the content, once it has listed the file.
  const { stdout } = spawnSync("tar", ["-tvf", "-"], { input: tarFileHeader("layer", size), encoding: "utf8" });
  assert.match(stdout, new RegExp(` ${size} .* layer\n$`));
});

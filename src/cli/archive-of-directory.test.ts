import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { encodedOf } from "../oci/digest.ts";
import { buildImage, writeOciLayout } from "../testing/image-builder.ts";
import { archiveOfDirectory } from "./archive-of-directory.ts";

test("a directory becomes the archive that tar unpacks to the same files; links out of it are left out", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "berth-layout-"));
  t.after(async () => await rm(directory, { recursive: true, force: true }));
  const image = buildImage({ layers: [{ a: "b" }] });
  await writeOciLayout(directory, image, "v1");
  await symlink("/etc/passwd", join(directory, "link"));
  const parts: Uint8Array[] = [];
  for await (const part of archiveOfDirectory(directory)) parts.push(part);
  const input = Buffer.concat(parts);
  const digests = [...image.blobs.keys(), image.descriptor.digest];
  const names = [...digests.map((digest) => `blobs/sha256/${encodedOf(digest)}`), "index.json", "oci-layout"];
  const listed = execFileSync("tar", ["-tf", "-"], { input, encoding: "utf8" }).trim().split("\n");
  assert.deepEqual(listed.toSorted(), names.toSorted());
  for (const [digest, bytes] of image.blobs) {
    const content = execFileSync("tar", ["-xOf", "-", `blobs/sha256/${encodedOf(digest)}`], { input });
    assert.deepEqual(content, bytes);
  }
});

import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { digestOf } from "../oci/digest.ts";
import { parseImageConfig } from "../oci/image-config.ts";
import { parseManifest } from "../oci/manifest.ts";
import { buildImage, buildIndex, writeOciLayout } from "./image-builder.ts";

test("the same content gives the same image, and what is built is read strictly", () => {
  const build = () => buildImage({ layers: [{ "etc/motd": "hello" }], config: { Cmd: ["sh"] } });
  assert.equal(build().descriptor.digest, build().descriptor.digest);
  const image = build();
  const manifest = parseManifest(image.manifests[0]?.bytes ?? Buffer.alloc(0), image.descriptor.mediaType);
  assert.equal(manifest.kind, "manifest");
  const config = parseImageConfig(image.blobs.get(image.configDigest) ?? Buffer.alloc(0));
  assert.deepEqual([config.config.cmd, config.diffIds.length], [["sh"], 1]);
});

test("an OCI image layout holds every blob under its digest", async () => {
  const directory = await mkdtemp(join(tmpdir(), "berth-layout-"));
  try {
    const index = buildIndex([buildImage({ layers: [{ a: "x" }, { b: "y" }] })]);
    await writeOciLayout(directory, index, "v1");
    const names = await readdir(join(directory, "blobs/sha256"));
    assert.equal(names.length, 5);
    for (const name of names) {
      assert.equal(digestOf(await readFile(join(directory, "blobs/sha256", name))), `sha256:${name}`);
    }
    const { manifests } = JSON.parse(await readFile(join(directory, "index.json"), "utf8")) as {
      manifests: { digest: string }[];
    };
    assert.deepEqual(
      manifests.map(({ digest }) => digest),
      [index.descriptor.digest],
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

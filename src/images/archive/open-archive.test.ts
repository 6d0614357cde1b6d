import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";

import { CriError } from "../../cri/cri-error.ts";
import { OciError } from "../../oci/oci-error.ts";
import { formatReference } from "../../oci/reference.ts";
import { buildImage } from "../../testing/image-builder.ts";
import { buildTar, type TarItem } from "../../testing/tar-builder.ts";
import { imagesInArchive } from "./archive-images.ts";
import { type Archive, openArchive } from "./open-archive.ts";

const SAMPLE: readonly TarItem[] = [
  { name: "./plain", content: "one" },
  { name: "../../etc/passwd", content: "two" },
  { name: "short", content: "three", pax: [["path", `${"long/".repeat(60)}name`]] },
  { name: "dir/link", type: "2", linkName: "../plain" },
  { name: "hard", type: "1", linkName: "./plain" },
  { name: "loop", type: "2", linkName: "loop" },
  { name: "twice", content: "old" },
  { name: "twice", content: "new" },
];

async function open(t: TestContext, bytes: Buffer, chunkSize = 1000): Promise<Archive> {
  const directory = await mkdtemp(join(tmpdir(), "berth-archive-"));
  t.after(async () => await rm(directory, { recursive: true, force: true }));
  const archive = await openArchive(directory, chunksOf(bytes, chunkSize));
  t.after(async () => await archive[Symbol.asyncDispose]());
  // Nothing has a name that a crash could leave behind.
  assert.deepEqual(await readdir(directory), []);
  return archive;
}

async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function contentOf(archive: Archive, name: string): Promise<string | undefined> {
  const region = archive.index.find(name);
  return region === undefined ? undefined : (await archive.read(region, 100)).toString();
}

describe("archives of images", () => {
  for (const [form, compress] of [
    ["plain", (bytes: Buffer) => bytes],
    ["gzip", gzipSync],
    ["zstd", zstdCompressSync],
  ] as const) {
    test(`files are found by their names in a ${form} archive, through links and never outside it`, async (t) => {
      const archive = await open(t, compress(buildTar(SAMPLE)));
      assert.equal(await contentOf(archive, "plain"), "one");
      assert.equal(await contentOf(archive, "dir/link"), "one");
      assert.equal(await contentOf(archive, "hard"), "one");
      assert.equal(await contentOf(archive, `${"long/".repeat(60)}name`), "three");
      assert.equal(await contentOf(archive, "twice"), "new");
      assert.equal(await contentOf(archive, "loop"), undefined);
      assert.equal(await contentOf(archive, "/etc/hosts"), undefined);
      // A name that leads out names what lies in the archive, as tar itself would place it.
      assert.equal(await contentOf(archive, "etc/passwd"), "two");
    });
  }

  test("a damaged archive is read or refused, nothing else", async (t) => {
    const whole = buildTar(SAMPLE);
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed % below;
    };
    let refused = 0;
    for (let round = 0; round < 80; round++) {
      const damaged = Buffer.from(whole.subarray(0, whole.length - (round % 3 === 0 ? random(whole.length) : 0)));
      for (let i = 0; i < 8 && damaged.length > 0; i++) damaged[random(damaged.length)] = random(256);
      try {
        await open(t, damaged);
      } catch (error) {
        refused++;
        assert.ok(error instanceof CriError && error.code === "INVALID_ARGUMENT", `round ${round}: ${String(error)}`);
      }
    }
    assert.ok(refused > 20, `only ${refused} were refused`);
  });

  test("other compressions, and what is no archive, are named", async (t) => {
    await assert.rejects(open(t, Buffer.from([0xfd, 0x37, 0x7a, 0x58])), /compressed with xz, not gzip or zstd/);
    await assert.rejects(open(t, Buffer.from("BZh9")), /compressed with bzip2/);
    await assert.rejects(open(t, Buffer.from("no archive at all".repeat(100))), /it is no tar archive/);
  });

  test("lists that are no list, huge, or name what is missing are refused", async (t) => {
    const cases: readonly (readonly [readonly TarItem[], RegExp])[] = [
      [[{ name: "other", content: "" }], /neither "index\.json" nor "manifest\.json"/],
      [[{ name: "manifest.json", content: '{"a":1}' }], /no list/],
      [[{ name: "manifest.json", content: '[{"Config":"c","RepoTags":[],"Layers":["l"]}]' }], /it lacks "l"/],
      [[{ name: "manifest.json", content: '[{"Config":"c","RepoTags":["UPPER"],"Layers":[]}]' }], /lowercase/],
      [[{ name: "manifest.json", content: " ".repeat(9 * 1024 * 1024) }], /larger than 8388608 bytes/],
      [[{ name: "oci-layout" }, { name: "index.json", content: "[" }], /JSON/],
    ];
    for (const [items, reason] of cases) {
      const archive = await open(t, buildTar(items), 1024 * 1024);
      await assert.rejects(imagesInArchive(archive), (error) => {
        assert.ok(error instanceof CriError || error instanceof OciError, String(error));
        return reason.test(error.message);
      });
    }
  });

  test("names come from the annotations that containerd writes, from full references, and from manifest.json", async (t) => {
    const image = buildImage({ layers: [{ a: "b" }] });
    const entry = (annotations: Record<string, string>) => ({ ...image.descriptor, annotations });
    const index = {
      schemaVersion: 2,
      manifests: [
        entry({ "io.containerd.image.name": "docker.io/library/a:1", "org.opencontainers.image.ref.name": "1" }),
        entry({ "org.opencontainers.image.ref.name": "registry.example/b:2" }),
        entry({ "org.opencontainers.image.ref.name": "v3" }),
        { ...image.descriptor, platform: { os: "unknown", architecture: "unknown" } },
      ],
    };
    const archive = await open(
      t,
      buildTar([
        { name: "oci-layout", content: '{"imageLayoutVersion":"1.0.0"}' },
        { name: "index.json", content: JSON.stringify(index) },
      ]),
    );
    const images = await imagesInArchive(archive);
    assert.deepEqual(
      images.map(({ names }) => names.map(formatReference)),
      [["docker.io/library/a:1"], ["registry.example/b:2"], []],
    );
  });
});

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";

import { silentLogger } from "../base/log.ts";
import type { ImageAdministration, PushProgress } from "../cri/image-administration.ts";
import { openMetadata } from "../metadata/open-metadata.ts";
import { digestOf, encodedOf } from "../oci/digest.ts";
import type { PullTrace } from "../trace/pull-trace.ts";
import { debianProgram } from "../testing/debian-program.ts";
import { type DockerRegistry, startDockerRegistry } from "../testing/docker-registry.ts";
import { buildImage, buildIndex, type BuiltImage } from "../testing/image-builder.ts";
import { pushImage } from "../testing/push-image.ts";
import { requires } from "../testing/requires.ts";
import { buildTar, type TarItem } from "../testing/tar-builder.ts";
import { createImageService, type NodeImages } from "./image-service.ts";

describe("administering images", { skip: requires("root", "docker-registry") }, () => {
  let base: string;
  let registry: DockerRegistry;
  before(async () => {
    base = await mkdtemp(join(tmpdir(), "berth-administer-"));
    registry = await startDockerRegistry({ binary: debianProgram("docker-registry", "usr/bin/docker-registry") });
  });
  after(async () => {
    await registry[Symbol.asyncDispose]();
    await rm(base, { recursive: true, force: true });
  });

  interface Store extends AsyncDisposable {
    readonly root: string;
    readonly service: NodeImages;
    readonly images: ImageAdministration;
    readonly inUse: Set<string>;
  }

  async function open(existing?: string): Promise<Store> {
    const root = existing ?? (await mkdtemp(join(base, "root-")));
    const metadata = await openMetadata(join(root, "engine.db"));
    const service = await createImageService({ root, metadata, logger: silentLogger });
    const inUse = new Set<string>();
    return {
      root,
      service,
      images: service.administer(async () => await Promise.resolve(inUse)),
      inUse,
      [Symbol.asyncDispose]: async () => {
        await service[Symbol.asyncDispose]();
        metadata.close();
      },
    };
  }

  const sample = (word: string) => buildImage({ layers: [{ one: "shared" }, { two: word }], config: { Cmd: [word] } });

  async function push(image: BuiltImage, repository: string): Promise<string> {
    await pushImage(image, { host: registry.host, repository, tag: "v1" });
    return `${registry.host}/${repository}:v1`;
  }

  async function pull(
    images: ImageAdministration,
    image: string,
    allPlatforms = false,
  ): Promise<PullTrace | undefined> {
    let last: PullTrace | undefined;
    for await (const trace of images.pull({ image, allPlatforms })) last = trace;
    return last;
  }

  async function save(images: ImageAdministration, ...names: readonly string[]): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for await (const part of images.save(names)) parts.push(part);
    return Buffer.concat(parts);
  }

  const present = async (store: Store, image: string) => (await store.service.imageStatus({ image })) !== undefined;

  test("a pull yields its trace up to the end, and what it brings is pinned for whoever collects garbage", async () => {
    await using store = await open();
    const image = await push(sample("a"), "traced");
    const trace = await pull(store.images, image);
    assert.equal(trace?.outcome?.kind, "pulled");
    assert.deepEqual(
      trace?.layers.map(({ state }) => state),
      ["done", "done"],
    );
    assert.equal((await store.service.imageStatus({ image }))?.pinned, true);
    await assert.rejects(pull(store.images, `${registry.host}/absent:v1`), { code: "NOT_FOUND" });
    const odd = async () => {
      for await (const step of store.images.pull({ image, platform: "linux" })) assert.ok(step.pullId);
    };
    await assert.rejects(odd, { code: "INVALID_ARGUMENT" });
  });

  test("what is saved is the same bytes each time, and what is loaded from it the same image", async () => {
    await using from = await open();
    await using to = await open();
    const built = sample("b");
    const image = await push(built, "saved");
    await pull(from.images, image);
    const archive = await save(from.images, image);
    assert.deepEqual(await save(from.images, image), archive);
    assert.deepEqual(await to.images.load(chunks(gzipSync(archive))), [{ id: built.configDigest, names: [image] }]);
    const [source, target] = [await from.images.inspect(image), await to.images.inspect(image)];
    assert.deepEqual(target, source);
    assert.equal(await present(to, `${registry.host}/saved@${built.descriptor.digest}`), true);
    await assert.rejects(save(from.images, "absent"), { code: "NOT_FOUND" });
  });

  test("an image of several platforms is pulled, saved, loaded and pushed whole", async () => {
    await using store = await open();
    const other = buildImage({ layers: [{ b: "arm" }], platform: { os: "linux", architecture: "s390x" } });
    const index = buildIndex([sample("c"), other]);
    const image = await push(index, "index");
    await pull(store.images, image, true);
    const copy = await store.images.tag(image, `${registry.host}/index-copy:v1`);
    assert.equal((await pushed(store.images, copy))?.digest, index.descriptor.digest);
    await using second = await open();
    await second.images.load(chunks(await save(store.images, image)));
    assert.equal((await second.images.inspect(image)).target, index.descriptor.digest);
    assert.deepEqual(await save(second.images, image), await save(store.images, image));
  });

  async function pushed(images: ImageAdministration, image: string): Promise<PushProgress | undefined> {
    let last: PushProgress | undefined;
    for await (const progress of images.push({ image })) last = progress;
    return last;
  }

  test("blobs that the registry has in another repository are mounted, and pushed again they are there", async () => {
    await using store = await open();
    const image = await push(sample("d"), "mounted/from");
    await pull(store.images, image);
    const copy = await store.images.tag(image, `${registry.host}/mounted/to:v2`);
    const states = async () => (await pushed(store.images, copy))?.blobs.map(({ state }) => state);
    assert.deepEqual(await states(), ["mounted", "mounted", "mounted"]);
    assert.deepEqual(await states(), ["present", "present", "present"]);
    await assert.rejects(pushed(store.images, `${copy}@${digestOf(Buffer.from(""))}`), { code: "NOT_FOUND" });
  });

  test("names go one by one, the image with the last; an id with several names needs force", async () => {
    await using store = await open();
    const built = sample("e");
    const image = await push(built, "names");
    await pull(store.images, image);
    const second = await store.images.tag(image, "second");
    assert.equal(second, "docker.io/library/second:latest");
    await assert.rejects(store.images.remove(built.configDigest, { force: false }), { code: "FAILED_PRECONDITION" });
    assert.deepEqual(await store.images.remove(image, { force: false }), { names: [image] });
    assert.equal(await present(store, "second"), true);
    assert.equal((await store.images.remove("second", { force: false })).id, built.configDigest);
    assert.deepEqual([await store.images.list(), (await store.images.diskUsage()).contentBytes], [[], 0]);
    await assert.rejects(store.images.remove("second", { force: false }), { code: "NOT_FOUND" });
  });

  test("prune takes what no container uses, and an administrator's images only when told to", async () => {
    await using store = await open();
    const [kept, used, loose] = [
      await push(sample("f"), "kept"),
      await push(sample("g"), "used"),
      await push(sample("h"), "loose"),
    ];
    await pull(store.images, kept);
    store.inUse.add(await store.service.pullImage({ image: { image: used } }));
    const id = await store.service.pullImage({ image: { image: loose } });
    const report = await store.images.prune({ all: false });
    assert.deepEqual(report.ids, [id]);
    assert.ok(report.bytes > 0);
    assert.deepEqual(
      [await present(store, kept), await present(store, used), await present(store, loose)],
      [true, true, false],
    );
    assert.equal((await store.images.prune({ all: true })).ids.length, 1);
    assert.deepEqual([await present(store, kept), await present(store, used)], [false, true]);
  });

  test("check finds a blob that changed on disk; repaired, it is as it was", async () => {
    await using store = await open();
    const built = sample("i");
    const image = await push(built, "checked");
    await pull(store.images, image);
    assert.deepEqual((await store.images.check({ repair: false })).problems, []);
    const layer = [...built.blobs.keys()][1];
    assert.ok(layer !== undefined);
    const path = join(store.root, "content/blobs/sha256", encodedOf(layer));
    const bytes = built.blobs.get(layer) ?? Buffer.alloc(0);
    await writeFile(path, Buffer.alloc(bytes.length));
    const [problem] = (await store.images.check({ repair: false })).problems;
    assert.deepEqual([problem?.faults, problem?.repaired], [[`blob ${layer} holds other bytes`], false]);
    const [repaired] = (await store.images.check({ repair: true })).problems;
    assert.equal(repaired?.repaired, true, repaired?.reason);
    assert.deepEqual((await store.images.check({ repair: false })).problems, []);
    assert.equal(await present(store, image), true);
  });

  test("archives that lie are refused, and nothing of them stays", async () => {
    await using store = await open();
    const built = sample("j");
    const [layer, config] = [[...built.blobs.keys()][0], built.configDigest];
    assert.ok(layer !== undefined);
    const honest = layoutItems(built);
    const changed = (name: string, content: Buffer): TarItem[] =>
      honest.map((item) => (item.name === name ? { name, content } : item));
    const blobName = `blobs/sha256/${encodedOf(layer)}`;
    const size = built.blobs.get(layer)?.length ?? 0;
    const cases: readonly (readonly [readonly TarItem[], RegExp])[] = [
      [changed(blobName, Buffer.alloc(size, 1)), /digest|hash/],
      [changed(blobName, Buffer.alloc(size + 1, 1)), /bytes, not the/],
      [honest.filter(({ name }) => name !== blobName), /it lacks the blob/],
      [dockerItems(Buffer.from("[]"), [buildTar([{ name: "a" }])]), /image config/],
      [
        dockerItems(built.blobs.get(config) ?? Buffer.alloc(0), [buildTar([{ name: "x" }]), buildTar([])]),
        /but it unpacks to/,
      ],
    ];
    for (const [items, reason] of cases) {
      await assert.rejects(store.images.load(chunks(buildTar(items))), (error: Error) => {
        assert.match(error.message, /^Cannot load the archive: /);
        assert.match(error.message, reason);
        return true;
      });
    }
    assert.deepEqual([await store.images.list(), (await store.images.diskUsage()).contentBytes], [[], 0]);
    await store.images.load(chunks(buildTar(honest)));
    assert.equal((await store.images.list()).length, 1);
  });

  test("a directory's archives are loaded once, again when they change, and a broken one holds up nobody", async () => {
    const directory = await mkdtemp(join(base, "directory-"));
    const write = async (name: string, image: BuiltImage) =>
      await writeFile(join(directory, name), buildTar(layoutItems(image, "from-directory:v1")));
    await mkdir(join(directory, "folder.tar"));
    await writeFile(join(directory, "a-broken.tar"), "no archive");
    await writeFile(join(directory, "note.txt"), "not one either");
    await write("b.tar", sample("k"));
    await using store = await open();
    await store.service.loadDirectory(directory);
    assert.equal(await present(store, "from-directory:v1"), true);
    await store.images.remove("from-directory:v1", { force: false });
    await store.service.loadDirectory(directory);
    // Whoever removed it meant it.
    assert.equal(await present(store, "from-directory:v1"), false);
    const changed = sample("l");
    await write("b.tar", changed);
    await store.service.loadDirectory(directory);
    assert.equal((await store.service.imageStatus({ image: "from-directory:v1" }))?.id, changed.configDigest);
    await store.service.loadDirectory(join(directory, "absent"));
  });
});

async function* chunks(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 100_000) yield await Promise.resolve(bytes.subarray(at, at + 100_000));
}

/** Returns the files of an OCI image layout. */
function layoutItems(image: BuiltImage, name?: string): TarItem[] {
  const documents = image.manifests.map(({ descriptor, bytes }) => [descriptor.digest, bytes] as const);
  const annotations = name === undefined ? {} : { annotations: { "org.opencontainers.image.ref.name": name } };
  const index = { schemaVersion: 2, manifests: [{ ...image.descriptor, ...annotations }] };
  return [
    { name: "oci-layout", content: '{"imageLayoutVersion":"1.0.0"}' },
    { name: "index.json", content: JSON.stringify(index) },
    ...[...image.blobs, ...documents].map(([digest, content]) => ({
      name: `blobs/sha256/${encodedOf(digest)}`,
      content,
    })),
  ];
}

/** Returns the files of a docker archive. */
function dockerItems(config: Uint8Array, layers: readonly Buffer[]): TarItem[] {
  const items = layers.map((content, index) => ({ name: `${index}/layer.tar`, content }));
  const manifest = [{ Config: "config.json", RepoTags: ["lying:v1"], Layers: items.map(({ name }) => name) }];
  return [
    { name: "config.json", content: config },
    ...items,
    { name: "manifest.json", content: JSON.stringify(manifest) },
  ];
}

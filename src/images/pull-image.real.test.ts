import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { silentLogger } from "../base/log.ts";
import type { AuthConfig } from "../cri/image-service.ts";
import { mount, umount } from "../linux/mount.ts";
import { type Metadata } from "../metadata/metadata.ts";
import { openMetadata } from "../metadata/open-metadata.ts";
import { hostPlatform } from "../oci/platform.ts";
import { mountSnapshot } from "../snapshots/mount-snapshot.ts";
import { debianProgram } from "../testing/debian-program.ts";
import { type DockerRegistry, startDockerRegistry } from "../testing/docker-registry.ts";
import { buildImage, buildIndex, type BuiltImage } from "../testing/image-builder.ts";
import { pushImage } from "../testing/push-image.ts";
import { openRecordingProxy } from "../testing/recording-proxy.ts";
import { requires } from "../testing/requires.ts";
import { createImageService, type NodeImages } from "./image-service.ts";

const ALICE = { username: "alice", password: "s3cret/pässword" };

describe("pulling images", { skip: requires("root", "docker-registry") }, () => {
  let base: string;
  let registry: DockerRegistry;
  before(async () => {
    base = await mkdtemp(join(tmpdir(), "berth-images-"));
    const binary = debianProgram("docker-registry", "usr/bin/docker-registry");
    registry = await startDockerRegistry({ binary, users: { [ALICE.username]: ALICE.password } });
  });
  after(async () => {
    await registry[Symbol.asyncDispose]();
    await rm(base, { recursive: true, force: true });
  });

  const newRoot = async () => await mkdtemp(join(base, "root-"));

  async function open(root: string): Promise<{ metadata: Metadata; images: NodeImages } & AsyncDisposable> {
    const metadata = await openMetadata(join(root, "engine.db"));
    const images = await createImageService({ root, metadata, logger: silentLogger });
    return {
      metadata,
      images,
      [Symbol.asyncDispose]: async () => {
        await images[Symbol.asyncDispose]();
        metadata.close();
      },
    };
  }

  async function push(image: BuiltImage, repository: string, tag = "v1"): Promise<string> {
    await pushImage(image, { host: registry.host, repository, tag, ...ALICE });
    return `${registry.host}/${repository}:${tag}`;
  }

  const pull = async (images: NodeImages, image: string, auth: AuthConfig | undefined = ALICE) =>
    await images.pullImage({ image: { image }, ...(auth === undefined ? {} : { auth }), pullId: "p" });

  const blobsIn = async (root: string) =>
    (await readdir(join(root, "content/blobs/sha256"))).map((hex) => `sha256:${hex}`);
  const expectedBlobs = (image: BuiltImage) => [
    ...image.blobs.keys(),
    ...image.manifests.map((m) => m.descriptor.digest),
  ];

  const sample = (word: string) =>
    buildImage({
      layers: [
        { "etc/": "", "etc/motd": `one ${word}`, "etc/old": "x" },
        { "etc/motd": `two ${word}`, "etc/.wh.old": "" },
      ],
      config: { Cmd: ["/bin/sh"], User: "1000:1000", Env: ["A=b"] },
    });

  test("an image behind a password is pulled, found by every spelling, and can be mounted", async () => {
    const root = await newRoot();
    const image = sample("a");
    const name = await push(image, "team/app");
    await using node = await open(root);
    const { images } = node;
    assert.equal(await images.imageStatus({ image: name }), undefined);
    assert.equal(await pull(images, name), image.configDigest);
    const byDigest = `${registry.host}/team/app@${image.descriptor.digest}`;
    const id: string = image.configDigest;
    for (const spelling of [name, byDigest, id, id.slice(7), id.slice(7, 19), `${name}@${image.descriptor.digest}`]) {
      const found = await images.imageStatus({ image: spelling });
      assert.equal(found?.id, id, spelling);
    }
    const [listed] = await images.listImages();
    assert.deepEqual(listed, {
      id,
      repoTags: [name],
      repoDigests: [byDigest],
      size: [...image.blobs.values()].reduce((sum, blob) => sum + blob.length, image.descriptor.size),
      uid: 1000,
      spec: { image: id },
      pinned: false,
    });
    assert.equal(await images.imageStatus({ image: `${registry.host}/team/app:v2` }), undefined);
    assert.deepEqual((await blobsIn(root)).sort(), expectedBlobs(image).sort());

    const resolved = await images.resolveImage({ image: name });
    assert.deepEqual([resolved?.repoDigest, resolved?.config.config.cmd], [byDigest, ["/bin/sh"]]);
    const target = await mkdtemp(join(base, "mounted-"));
    mountSnapshot(await images.snapshotter.prepareRootfs("c", resolved?.chainId), target);
    try {
      assert.equal(await readFile(join(target, "etc/motd"), "utf8"), "two a");
      assert.deepEqual(await readdir(join(target, "etc")), ["motd"]);
    } finally {
      umount(target);
    }
    const usage = await images.imageFsInfo();
    assert.ok((usage.imageFilesystems[0]?.usedBytes ?? 0) > (listed?.size ?? Number.MAX_SAFE_INTEGER));
  });

  test("the trace tells platform, requests, layers and outcome, and no secret", async () => {
    const name = await push(sample("trace"), "team/trace");
    await using node = await open(await newRoot());
    await pull(node.images, name);
    const trace = await node.images.pullTrace("p");
    assert.deepEqual(trace?.outcome?.kind, "pulled");
    assert.deepEqual(
      trace?.layers.map((layer) => [layer.state, layer.downloadedBytes === layer.size]),
      [
        ["done", true],
        ["done", true],
      ],
    );
    assert.ok(trace?.requests.some((request) => request.credential === "basic" && request.status === 200));
    const text = JSON.stringify(trace);
    for (const secret of [ALICE.password, Buffer.from(`${ALICE.username}:${ALICE.password}`).toString("base64")]) {
      assert.ok(!text.includes(secret) && !text.includes(encodeURIComponent(secret)));
    }
  });

  const refusals: readonly (readonly [string, string, AuthConfig | undefined, string, RegExp])[] = [
    [
      "no password",
      "/team/app:v1",
      {},
      "UNAUTHENTICATED",
      /: pull access denied.*no credentials were given: GET .*\/v2\/team\/app\/manifests\/v1 got 401 Unauthorized: unauthorized: authentication required$/,
    ],
    [
      "a wrong password",
      "/team/app:v1",
      { username: "alice", password: "wrong" },
      "UNAUTHENTICATED",
      /authorization failed/,
    ],
    [
      "a password for another registry",
      "/team/app:v1",
      { ...ALICE, serverAddress: "https://evil.example" },
      "UNAUTHENTICATED",
      /no credentials were given/,
    ],
    ["an unknown tag", "/team/app:never", ALICE, "NOT_FOUND", /not found.*404 Not Found: manifest unknown/],
    [
      "a name that is none",
      "/Team/app:v1",
      ALICE,
      "INVALID_ARGUMENT",
      /invalid reference format: repository name must be lowercase/,
    ],
  ];

  for (const [what, path, auth, code, message] of refusals) {
    test(`a pull is refused with ${what}`, async () => {
      await push(sample("refused"), "team/app");
      await using node = await open(await newRoot());
      await assert.rejects(pull(node.images, `${registry.host}${path}`, auth), { name: "CriError", code, message });
      const trace = await node.images.pullTrace("p");
      assert.equal(trace?.outcome?.kind, "failed");
      assert.deepEqual(await node.images.listImages(), []);
    });
  }

  test("a registry that is down is UNAVAILABLE", async () => {
    await using node = await open(await newRoot());
    await assert.rejects(pull(node.images, "127.0.0.1:1/x:y"), { code: "UNAVAILABLE", message: /connection refused/ });
    assert.deepEqual((await node.images.pullTrace("p"))?.outcome, {
      kind: "failed",
      cause: "ConnectionRefused",
      message: 'Cannot pull "127.0.0.1:1/x:y": cannot reach "127.0.0.1:1": connection refused (ECONNREFUSED)',
    });
  });

  test("of an index the image of this machine is taken; without one the platforms on offer are told", async () => {
    const mine = sample("mine");
    const other = buildImage({ layers: [{ a: "other" }], platform: { os: "linux", architecture: "s390x" } });
    const index = buildIndex([other, mine]);
    const name = await push(index, "team/index");
    await using node = await open(await newRoot());
    assert.equal(await pull(node.images, name), mine.configDigest);
    assert.match((await node.images.listImages())[0]?.repoDigests[0] ?? "", new RegExp(`@${index.descriptor.digest}$`));
    const foreign = await push(buildIndex([other]), "team/foreign");
    const { os, architecture } = hostPlatform();
    await assert.rejects(pull(node.images, foreign), {
      code: "NOT_FOUND",
      message: new RegExp(`no match for platform ${os}/${architecture}.*linux/s390x`),
    });
    const single = await push(other, "team/single");
    await assert.rejects(pull(node.images, single), /no match for platform/);
  });

  for (const [what, image] of [
    ["Docker schema 2", buildImage({ layers: [{ a: "docker" }], isDocker: true })],
    ["zstd layers", buildImage({ layers: [{ a: "zstd" }], compression: "zstd" })],
    ["plain layers", buildImage({ layers: [{ a: "plain" }], compression: "none" })],
    ["no layers", buildImage({ layers: [] })],
    ["the same layer twice", buildImage({ layers: [{ a: "twice" }, { a: "twice" }] })],
  ] as const) {
    test(`an image of ${what} is pulled`, async () => {
      const name = await push(image, `kinds/${what.toLowerCase().replaceAll(/\W/g, "-")}`);
      await using node = await open(await newRoot());
      assert.equal(await pull(node.images, name), image.configDigest);
      assert.ok(await node.images.resolveImage({ image: name }));
    });
  }

  test("a second pull asks the registry once and fetches nothing", async () => {
    const name = await push(sample("again"), "team/again");
    await using proxy = await openRecordingProxy(registry.host);
    const proxied = name.replace(registry.host, proxy.host);
    await using node = await open(await newRoot());
    await pull(node.images, proxied);
    proxy.clear();
    await pull(node.images, proxied);
    const asked = proxy.requests().map((request) => request.replace(/ \/v2\/.*\//, " "));
    assert.deepEqual(asked, ["HEAD v1 200"]);
  });

  test("pulls of one image at the same time fetch each blob once", async () => {
    const name = await push(sample("together"), "team/together");
    await using proxy = await openRecordingProxy(registry.host);
    await using node = await open(await newRoot());
    await Promise.all(Array.from({ length: 4 }, () => pull(node.images, name.replace(registry.host, proxy.host))));
    const blobs = proxy.requests().filter((request) => /blobs.* 200$/.test(request));
    assert.equal(blobs.length, new Set(blobs).size);
  });

  test("blobs and manifests that were changed on the way are refused, and nothing of them stays", async () => {
    const image = sample("changed");
    const name = await push(image, "team/changed");
    const flip = (bytes: Buffer) => Buffer.from(bytes).fill((bytes.at(-1) ?? 0) ^ 1, bytes.length - 1);
    for (const [part, message] of [
      ["/blobs/", /has the digest|its bytes have/],
      ["/manifests/sha256", /whose digest is/],
    ] as const) {
      await using proxy = await openRecordingProxy(registry.host, {
        rewrite: (path, body) => (path.includes(part) && body.length > 0 ? flip(body) : body),
      });
      const root = await newRoot();
      await using node = await open(root);
      await assert.rejects(pull(node.images, name.replace(registry.host, proxy.host)), {
        code: "FAILED_PRECONDITION",
        message,
      });
      const shown = await blobsIn(root);
      assert.ok(
        shown.every((digest) => expectedBlobs(image).includes(digest as never)),
        String(shown),
      );
    }
  });

  test("an image whose layer is not what its config says is refused", async () => {
    const honest = buildImage({ layers: [{ a: "honest" }] });
    const liar = buildImage({ layers: [{ a: "liar" }] });
    const manifest = JSON.parse(Buffer.from(honest.manifests[0]?.bytes ?? []).toString());
    manifest.layers = JSON.parse(Buffer.from(liar.manifests[0]?.bytes ?? []).toString()).layers;
    const bytes = Buffer.from(JSON.stringify(manifest));
    const { digestOf } = await import("../oci/digest.ts");
    const descriptor = { ...honest.descriptor, digest: digestOf(bytes), size: bytes.length };
    const mixed: BuiltImage = {
      ...honest,
      descriptor,
      blobs: new Map([...honest.blobs, ...liar.blobs]),
      manifests: [{ descriptor, bytes }],
    };
    const name = await push(mixed, "team/liar");
    await using node = await open(await newRoot());
    await assert.rejects(pull(node.images, name), {
      code: "FAILED_PRECONDITION",
      message: /announces sha256.*unpacks to/,
    });
    assert.deepEqual(node.images.snapshotter.list(), []);
  });

  test("a tag that moved leaves the old image without it; removal takes all names and what only it used", async () => {
    const root = await newRoot();
    await using node = await open(root);
    const [old, young] = [sample("old"), sample("young")];
    const name = await push(old, "team/moving");
    await pull(node.images, name);
    await push(young, "team/moving");
    await pull(node.images, name);
    const tags = Object.fromEntries((await node.images.listImages()).map((image) => [image.id, image.repoTags]));
    assert.deepEqual(tags, { [old.configDigest]: [], [young.configDigest]: [name] });
    await node.images.removeImage({ image: old.configDigest });
    await node.images.removeImage({ image: old.configDigest });
    assert.deepEqual((await blobsIn(root)).sort(), expectedBlobs(young).sort());
    assert.equal((await readdir(join(root, "snapshots/layers"))).length, 2);
    await node.images.removeImage({ image: name });
    assert.deepEqual(await blobsIn(root), []);
    assert.deepEqual(await readdir(join(root, "snapshots/layers")), []);
  });

  test("an image that lost a blob or a layer counts as absent and is pulled anew", async () => {
    const root = await newRoot();
    const image = sample("lost");
    const name = await push(image, "team/lost");
    await using node = await open(root);
    await pull(node.images, name);
    const [blob] = [...image.blobs.keys()];
    await rm(join(root, "content/blobs/sha256", String(blob).slice(7)));
    assert.equal(await node.images.imageStatus({ image: name }), undefined);
    assert.deepEqual(await node.images.listImages(), []);
    await pull(node.images, name);
    assert.ok(await node.images.imageStatus({ image: name }));
  });

  test("an abort ends a pull that waits for bytes", async () => {
    const name = await push(sample("abort"), "team/abort");
    await using proxy = await openRecordingProxy(registry.host, {
      stallAfter: (path) => (path.includes("/blobs/") ? 10 : undefined),
    });
    await using node = await open(await newRoot());
    const image = { image: name.replace(registry.host, proxy.host) };
    const started = performance.now();
    await assert.rejects(node.images.pullImage({ image, auth: ALICE }, AbortSignal.timeout(300)), {
      code: "CANCELLED",
    });
    assert.ok(performance.now() - started < 5000);
  });

  test("a full disk fails the pull with its reason, and the pull works once there is room", async () => {
    const root = await newRoot();
    mount({ source: "tmpfs", target: root, type: "tmpfs", data: "size=8m" });
    try {
      const image = buildImage({ layers: [{ big: randomBytes(2e6) }, { small: "x" }] });
      const name = await push(image, "team/full");
      await using node = await open(root);
      await writeFile(join(root, "ballast"), Buffer.alloc(6e6));
      await assert.rejects(pull(node.images, name), {
        code: "RESOURCE_EXHAUSTED",
        message: /no space left on the device/,
      });
      assert.equal((await node.images.pullTrace("p"))?.outcome?.kind, "failed");
      assert.deepEqual(await node.images.listImages(), []);
      await rm(join(root, "ballast"));
      assert.equal(await pull(node.images, name), image.configDigest);
      assert.deepEqual((await blobsIn(root)).sort(), expectedBlobs(image).sort());
    } finally {
      umount(root);
    }
  });

  const CHILD = `
    const [root, image] = process.argv.slice(1);
    const { openMetadata } = await import(${JSON.stringify(new URL("../metadata/open-metadata.ts", import.meta.url).href)});
    const { createImageService } = await import(${JSON.stringify(new URL("image-service.ts", import.meta.url).href)});
    const { silentLogger } = await import(${JSON.stringify(new URL("../base/log.ts", import.meta.url).href)});
    const metadata = await openMetadata(root + "/engine.db");
    const images = await createImageService({ root, metadata, logger: silentLogger });
    await images.pullImage({ image: { image }, auth: ${JSON.stringify(ALICE)} });
  `;

  for (const point of [
    "content.after-chunk=2*off->kill",
    "content.before-rename=1*off->kill",
    "content.after-rename=2*off->kill",
    "pull.after-lease=kill",
    "pull.after-layer-fetch=kill",
    "snapshots.before-sync=kill",
    "snapshots.before-commit=kill",
    "snapshots.after-commit=kill",
    "pull.before-record=kill",
    "metadata.before-commit=1*off->kill",
    "metadata.after-commit=1*off->kill",
    "pull.after-record=kill",
    "images.before-garbage-collection=1*off->kill",
  ]) {
    test(`killed at ${point}, the next pull works and only what it uses remains`, async () => {
      const root = await newRoot();
      const image = sample("killed");
      const name = await push(image, "team/killed");
      const killed = spawnSync(process.execPath, ["--input-type=module", "-e", CHILD, root, name], {
        encoding: "utf8",
        env: { ...process.env, BERTH_FAILPOINTS: point },
      });
      assert.match(killed.stderr, /failpoint .* kill/);
      await using node = await open(root);
      const before = await node.images.imageStatus({ image: name });
      if (before !== undefined) assert.equal(before.id, image.configDigest);
      assert.equal(await pull(node.images, name), image.configDigest);
      assert.deepEqual((await blobsIn(root)).sort(), expectedBlobs(image).sort());
      assert.deepEqual(await readdir(join(root, "content/ingest")), []);
      assert.equal((await readdir(join(root, "snapshots/layers"))).length, 2);
      assert.ok(await node.images.resolveImage({ image: name }));
    });
  }
});

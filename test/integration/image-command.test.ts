import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

import type { DiskUsage, ListedImage, LoadedImage } from "../../src/cri/image-administration.ts";
import { encodedOf } from "../../src/oci/digest.ts";
import { MEDIA_TYPES } from "../../src/oci/media-type.ts";
import { buildBusyboxImage } from "../../src/testing/busybox-image.ts";
import { type ClusterFixture, openClusterFixture } from "../../src/testing/cluster-fixture.ts";
import type { BuiltImage } from "../../src/testing/image-builder.ts";
import { requires } from "../../src/testing/requires.ts";
import { buildTar } from "../../src/testing/tar-builder.ts";
import { killNow } from "./host-processes.ts";
import { podManifest } from "./pod-manifest.ts";
import { waitForPhase } from "./pod-state.ts";

const BERTH = fileURLToPath(new URL("../../bin/berth", import.meta.url));

describe("berth image with a running node", { skip: requires("root", "docker-registry", "busybox-static") }, () => {
  let fixture: ClusterFixture;
  before(async () => void (fixture = await openClusterFixture()));
  after(async () => await fixture[Symbol.asyncDispose]());

  async function image(args: readonly string[], input?: Buffer) {
    const cluster = ["--name", fixture.cluster.name, "--data-dir", fixture.cluster.dataDir];
    const child = spawn(process.execPath, [BERTH, "image", ...args, ...cluster], { stdio: ["pipe", "pipe", "pipe"] });
    // A command that has failed reads no further.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    const [stdout, stderr] = await Promise.all([buffer(child.stdout), text(child.stderr), once(child, "close")]);
    return { stdout, stderr, exitCode: child.exitCode };
  }

  async function ok(args: readonly string[], input?: Buffer): Promise<string> {
    const { stdout, stderr, exitCode } = await image(args, input);
    assert.equal(exitCode, 0, `berth image ${args.join(" ")}: ${stderr}`);
    return stdout.toString();
  }

  async function runOnce(name: string, reference: string): Promise<void> {
    await fixture.kubectl.create(podManifest({ name, image: reference, policy: "Never", command: ["true"] }));
    await waitForPhase(fixture.kubectl, name, "Succeeded");
  }

  const list = async () => JSON.parse(await ok(["ls", "-o", "json"])) as ListedImage[];

  test("an image loaded from standard input runs with the policy Never, by every spelling (seed: pre-pulled)", async () => {
    const built = await buildBusyboxImage();
    const loaded = await ok(["load", "-o", "json"], dockerArchive(built, ["loaded:v1", "busybox:latest"]));
    assert.deepEqual(JSON.parse(loaded) as LoadedImage[], [
      { id: built.configDigest, names: ["docker.io/library/loaded:v1", "docker.io/library/busybox:latest"] },
    ]);
    await runOnce("short", "loaded:v1");
    await runOnce("long", "index.docker.io/library/loaded:v1");
    await runOnce("no-tag", "busybox");
  });

  test("an image pulled beforehand runs with the policy Never, is saved, removed and loaded again", async () => {
    const { publicImage } = fixture.registries;
    const lines = (await ok(["pull", publicImage, "-o", "json"])).trim().split("\n");
    const { outcome } = JSON.parse(lines.at(-1) ?? "") as { outcome: { kind: string } };
    assert.equal(outcome.kind, "pulled");
    await runOnce("pulled", publicImage);
    const file = join(fixture.directory, "app.tar.zst");
    await ok(["save", publicImage, "-o", file]);
    assert.equal((await readFile(file)).readUInt32LE(), 0xfd2fb528);
    const id = (await list()).find(({ names }) => names.includes(publicImage))?.id ?? "";
    await ok(["rm", "--force", id]);
    assert.ok(!(await list()).some(({ names }) => names.includes(publicImage)));
    await ok(["load", "-i", file]);
    await runOnce("again", publicImage);
  });

  test("credentials come from the command line, and without them the refusal says what to do", async () => {
    const { privateImage } = fixture.registries;
    const refused = await image(["pull", privateImage]);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /Cannot pull ".+": .*401.*\n {2}Give a credential: --creds user:password/);
    assert.match(await ok(["pull", "--creds", "scenario:right-password-canary", "-q", privateImage]), /^sha256:/);
  });

  test("what is pushed is in the registry, and pods that use an image keep it from prune", async () => {
    const { kubectl, registries } = fixture;
    const variant = await registries.pushVariant("team/pruned", { Labels: { unique: randomUUID() } });
    await kubectl.create(podManifest({ name: "user", image: variant, command: ["true"] }));
    await waitForPhase(kubectl, "user", "Succeeded");
    const copy = `${registries.publicHost}/team/copy:v2`;
    assert.equal(await ok(["tag", variant, copy]), `${copy}\n`);
    const pushed = await ok(["push", copy]);
    const url = `http://${registries.publicHost}/v2/team/copy/manifests/v2`;
    const answer = await fetch(url, { method: "HEAD", headers: { accept: MEDIA_TYPES.ociManifest } });
    assert.equal(pushed, `${copy}@${answer.headers.get("docker-content-digest")}\n`);
    await ok(["prune", "--all"]);
    assert.deepEqual(
      (await list()).flatMap(({ names }) => names).filter((name) => name === variant),
      [variant],
    );
    await kubectl.ok(["delete", "pod", "user", "--now"]);
    const usage = JSON.parse(await ok(["du", "-o", "json"])) as DiskUsage;
    assert.ok(usage.images.length > 0 && usage.layerBytes > 0);
    assert.match(await ok(["check"]), /all as they should be/);
  });

  test("archives in the data directory are there once the node has started again", async () => {
    const { cluster, directory } = fixture;
    const built = await buildBusyboxImage({ config: { Labels: { unique: randomUUID() } } });
    await mkdir(join(cluster.dataDir, "images"), { recursive: true });
    await writeFile(join(directory, "x.tar"), dockerArchive(built, ["from-directory:v1"]));
    await copyFile(join(directory, "x.tar"), join(cluster.dataDir, "images/x.tar"));
    await writeFile(join(cluster.dataDir, "images/broken.tar"), "no archive");
    const { pid } = cluster.status().roles.node ?? {};
    assert.ok(pid !== undefined);
    killNow(pid);
    await runOnce("from-directory", "from-directory:v1");
  });
});

/** Returns an archive as `docker save` wrote it before it knew of OCI layouts: a directory for each layer. */
function dockerArchive(image: BuiltImage, names: readonly string[]): Buffer {
  const config = image.blobs.get(image.configDigest) ?? Buffer.alloc(0);
  const layers = [...image.blobs].filter(([digest]) => digest !== image.configDigest);
  const configName = `${encodedOf(image.configDigest)}.json`;
  const items = layers.map(([digest, bytes]) => ({
    name: `${encodedOf(digest)}/layer.tar`,
    content: gunzipSync(bytes),
  }));
  const manifest = [{ Config: configName, RepoTags: names, Layers: items.map(({ name }) => name) }];
  return buildTar([
    { name: configName, content: config },
    ...items,
    { name: "manifest.json", content: JSON.stringify(manifest) },
  ]);
}

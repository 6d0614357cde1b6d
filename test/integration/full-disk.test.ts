import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";

import { disposable } from "../../src/base/disposable.ts";
import { openClusterFixture } from "../../src/testing/cluster-fixture.ts";
import { requires } from "../../src/testing/requires.ts";
import { openTestRegistries } from "../../src/testing/test-registries.ts";
import { podManifest } from "./pod-manifest.ts";
import { messagesOf, waitForPhase, waitForReason } from "./pod-state.ts";

const run = promisify(execFile);

describe("a full disk", { skip: requires("root", "docker-registry", "busybox-static") }, () => {
  test("fails the pull and says so; the node lives on and pulls what fits", async () => {
    await using registries = await openTestRegistries();
    const tooBig = await registries.pushVariant("big/app", {}, 60);
    await using disk = await openSmallDisk("80m");
    await using fixture = await disk.within(async () => await openClusterFixture({ registries }));
    const { kubectl } = fixture;
    await kubectl.create(podManifest({ name: "too-big", image: tooBig, command: ["true"] }));
    await waitForReason(kubectl, "too-big", "ImagePullBackOff");
    const [failed = ""] = await messagesOf(kubectl, "too-big", "Failed");
    assert.match(failed, /no space left|ENOSPC|disk is full/i);
    await kubectl.ok(["delete", "pod", "too-big"]);
    await kubectl.ok(["wait", "nodes", "--all", "--for=condition=Ready", "--timeout=10s"]);
    await kubectl.create(podManifest({ name: "fits", image: registries.publicImage, command: ["echo", "FITS"] }));
    await waitForPhase(kubectl, "fits", "Succeeded");
    assert.equal(await kubectl.ok(["logs", "fits"]), "FITS\n");
  });
});

interface SmallDisk extends AsyncDisposable {
  /** Runs `open` with the disk as the place for temporary directories. */
  within<T>(open: () => Promise<T>): Promise<T>;
}

/** Mounts a file system of this size in a temporary directory. */
async function openSmallDisk(size: string): Promise<SmallDisk> {
  const directory = await mkdtemp(join(tmpdir(), "berth-disk-"));
  await run("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", directory]);
  const before = process.env["TMPDIR"];
  const owned = disposable(async () => {
    await run("umount", [directory]);
    await rmdir(directory);
  });
  return {
    within: async (open) => {
      process.env["TMPDIR"] = directory;
      try {
        return await open();
      } finally {
        if (before === undefined) delete process.env["TMPDIR"];
        else process.env["TMPDIR"] = before;
      }
    },
    [Symbol.asyncDispose]: async () => await owned[Symbol.asyncDispose](),
  };
}

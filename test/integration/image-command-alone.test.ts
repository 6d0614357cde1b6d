import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import type { ListedImage } from "../../src/cri/image-administration.ts";
import { archiveOfDirectory } from "../../src/cli/archive-of-directory.ts";
import { hostDirectories } from "../../src/instance/host-directories.ts";
import { buildImage, writeOciLayout } from "../../src/testing/image-builder.ts";
import { requires } from "../../src/testing/requires.ts";
import { waitUntil } from "../../src/testing/wait-until.ts";

const BERTH = fileURLToPath(new URL("../../bin/berth", import.meta.url));

describe("berth image without a node", { skip: requires("root") }, () => {
  let directory: string;
  let name: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "berth-alone-"));
    name = basename(directory).toLowerCase();
  });
  after(async () => {
    await resultOf(start("down", "--purge"));
    await rm(directory, { recursive: true, force: true });
  });

  const start = (...args: readonly string[]): ChildProcess =>
    spawn(process.execPath, [BERTH, ...args, "--name", name, "--data-dir", join(directory, "data")]);
  const image = async (...args: readonly string[]) => await resultOf(start("image", ...args));

  test("a cluster that never ran can be given images; commands at the same time wait for one another", async () => {
    const archives = [await writeArchive("a"), await writeArchive("b"), await writeArchive("c")];
    const results = await Promise.all(archives.map(async (archive) => await image("load", "-i", archive)));
    assert.deepEqual(
      results.map(({ exitCode, stderr }) => [exitCode, stderr]),
      [
        [0, ""],
        [0, ""],
        [0, ""],
      ],
    );
    const { stdout } = await image("ls", "-o", "json");
    assert.deepEqual(
      (JSON.parse(stdout) as ListedImage[]).flatMap(({ names }) => names),
      ["a", "b", "c"].map((word) => `docker.io/library/${word}:v1`),
    );
  });

  test("a command that is killed leaves nothing behind, and the next one works", async () => {
    const archive = await writeArchive("d");
    const child = start("image", "load");
    // The archive never ends: the load is under way when its command dies.
    child.stdin?.write((await readFile(archive)).subarray(0, 3000));
    await waitUntil("the process that owns the images runs", async () => (await childrenOf(child)).length === 1);
    const [owner] = await childrenOf(child);
    child.kill("SIGKILL");
    await once(child, "close");
    await waitUntil("the process that owns the images has ended", () => !isThere(owner));
    const { exitCode, stderr } = await image("load", "-i", archive);
    assert.deepEqual([exitCode, stderr], [0, ""]);
    assert.match((await image("check")).stdout, /all as they should be/);
  });

  test("what is wrong with an archive is said in a sentence, and purging leaves nothing", async () => {
    await writeFile(join(directory, "x.tar"), "nothing of the kind");
    const { exitCode, stderr } = await image("load", "-i", join(directory, "x.tar"));
    assert.equal(exitCode, 1);
    assert.match(stderr, /^Cannot load the archive: .+\n {2}Images are loaded from /);
    assert.equal((await resultOf(start("down", "--purge"))).exitCode, 0);
    assert.ok(!(await readdir(directory)).includes("data"));
    assert.ok(!existsSync(join(hostDirectories().runRoot, name)));
  });

  async function writeArchive(word: string): Promise<string> {
    const layout = await mkdtemp(join(directory, "layout-"));
    await writeOciLayout(layout, buildImage({ layers: [{ word }] }), `${word}:v1`);
    const path = join(directory, `${word}.tar`);
    await writeFile(path, archiveOfDirectory(layout));
    return path;
  }
});

async function resultOf(child: ChildProcess) {
  const { stdout, stderr } = child;
  assert.ok(stdout !== null && stderr !== null);
  const [out, error] = await Promise.all([text(stdout), text(stderr), once(child, "close")]);
  return { stdout: out, stderr: error, exitCode: child.exitCode };
}

async function childrenOf({ pid }: ChildProcess): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`);
  const lists = await Promise.all(
    threads.map(async (thread) => await readFile(`/proc/${pid}/task/${thread}/children`, "utf8")),
  );
  return lists.flatMap((list) =>
    list
      .split(" ")
      .filter((word) => word !== "")
      .map(Number),
  );
}

function isThere(pid: number | undefined): boolean {
  try {
    process.kill(pid ?? 0, 0);
    return pid !== undefined;
  } catch {
    return false;
  }
}

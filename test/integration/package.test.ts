import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { requires } from "../../src/testing/requires.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const run = promisify(execFile);

/** What a user has: a PATH without this project. */
const PATH = (process.env["PATH"] ?? "")
  .split(delimiter)
  .filter((directory) => !directory.startsWith(ROOT))
  .join(delimiter);

describe("the packed package, installed in an empty project elsewhere", { skip: requires("root") }, () => {
  let project: string;
  before(async () => {
    project = await mkdtemp(join(tmpdir(), "berth-package-"));
    await run("npm", ["pack", "--pack-destination", project], { cwd: ROOT, env: environment() });
    const tarball = (await readdir(project)).find((name) => name.endsWith(".tgz")) ?? "";
    await writeFile(join(project, "package.json"), '{ "name": "elsewhere", "private": true, "type": "module" }');
    await run("npm", ["install", "--no-audit", "--no-fund", `./${tarball}`], { cwd: project, env: environment() });
  });
  after(async () => await rm(project, { recursive: true, force: true }));

  const environment = (): NodeJS.ProcessEnv => ({
    ...process.env,
    PATH,
    HOME: project,
    KUBECONFIG: join(project, "kubeconfig"),
  });
  const npx = async (args: readonly string[]) =>
    await run("npx", ["--no-install", "berth", ...args], { cwd: project, env: environment() });

  test("holds JavaScript and types, and no TypeScript source", async () => {
    const files = await readdir(join(project, "node_modules/berth"), { recursive: true });
    const sources = files.filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"));
    assert.deepEqual(sources, []);
    assert.ok(files.includes("dist/daemon/library.d.ts") && files.includes("README.md") && files.includes("LICENSE"));
  });

  test("npx berth version, up and down work", async () => {
    assert.match((await npx(["version"])).stdout, /^berth \d+\.\d+\.\d+ \(Node v2[4-9]/);
    const flags = ["--name", "package-test", "--data-dir", join(project, "data")];
    const { stderr } = await npx(["up", "--https-listen-port", "0", ...flags]);
    try {
      assert.match(stderr, /Cluster "package-test" is ready in/);
      const status = JSON.parse((await npx(["status", "-o", "json", ...flags])).stdout) as { ready: boolean };
      assert.equal(status.ready, true);
    } finally {
      await npx(["down", "--purge", ...flags]);
    }
  });

  test("startCluster gives a program a cluster of its own", async () => {
    const program = `import { startCluster } from "berth";
      await using cluster = await startCluster({ node: false });
      console.log(JSON.stringify(Object.keys(await cluster.client.raw("GET", "/api"))));`;
    await writeFile(join(project, "program.js"), program);
    const { stdout } = await run(process.execPath, ["program.js"], { cwd: project, env: environment() });
    assert.ok((JSON.parse(stdout) as string[]).includes("versions"));
  });
});

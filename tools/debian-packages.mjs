import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { fail } from "./fail.mjs";

/**
 * Installs the Debian packages of what is missing, after saying so. Nothing is removed or upgraded for it, and it waits
 * for another apt. Returns every package it has installed on this machine since the project lies here.
 */
export function installPackages({ root, missing }) {
  const record = join(root, ".cache", "installed-packages.json");
  const before = existsSync(record) ? JSON.parse(readFileSync(record, "utf8")) : [];
  if (missing.length === 0) return before;
  const names = missing.map(({ packageName }) => packageName);
  requireApt(names);
  console.error(`set-up: installing Debian packages: ${names.join(" ")}`);
  update();
  // A database of what was there already: only what is new may be named as ours to remove.
  const present = installedPackages();
  apt(["install", "-y", "--no-install-recommends", "--no-remove", ...names]);
  const added = installedPackages().filter((name) => !present.includes(name));
  const all = [...new Set([...before, ...added])];
  writeFileSync(record, `${JSON.stringify(all)}\n`);
  return all;
}

/** Downloads Debian packages and unpacks them under `.cache/debian/<package>`: nothing is installed, nothing is started. */
export function unpackPackages({ root, packages }) {
  const parent = join(root, ".cache", "debian");
  const missing = packages.filter(({ packageName, file }) => !existsSync(join(parent, packageName, file)));
  if (missing.length === 0) return;
  const names = missing.map(({ packageName }) => packageName);
  if (!hasProgram("apt-get") || !hasProgram("dpkg-deb")) {
    fail(
      `Cannot download ${names.join(", ")}: this is not Debian or a relative of it`,
      missing.map(({ packageName, file }) => `Put the program at ${join(parent, packageName, file)}`),
    );
  }
  console.error(`set-up: unpacking Debian packages beside the project: ${names.join(" ")}`);
  if (process.getuid() === 0) update();
  mkdirSync(parent, { recursive: true });
  for (const name of names) unpack(parent, name);
}

function unpack(parent, name) {
  const work = mkdtempSync(join(tmpdir(), "berth-set-up-"));
  try {
    apt(["-o", "APT::Sandbox::User=root", "download", name], work);
    const file = readdirSync(work).find((entry) => entry.endsWith(".deb"));
    const unpacked = join(parent, `${name}.${process.pid}.tmp`);
    run("dpkg-deb", ["-x", join(work, file), unpacked]);
    rmSync(join(parent, name), { recursive: true, force: true });
    renameSync(unpacked, join(parent, name));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function requireApt(names) {
  if (!hasProgram("apt-get")) {
    fail(`Cannot install ${names.join(", ")}: this is not Debian or a relative of it`, [
      "Install what `npx berth up` names with your distribution's package manager, then repeat",
    ]);
  }
  if (process.getuid() === 0) return;
  fail(`Cannot install ${names.join(", ")}: that needs root`, [
    `sudo apt-get install -y --no-install-recommends ${names.join(" ")}`,
    "then repeat the command as root (sudo): running containers needs it too",
  ]);
}

let isUpdated = false;

function update() {
  if (isUpdated) return;
  isUpdated = true;
  apt(["update", "-q"]);
}

function apt(args, cwd) {
  run("apt-get", ["-q", "-o", "DPkg::Lock::Timeout=120", ...args], cwd);
}

function run(program, args, cwd) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C.UTF-8" };
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    cwd,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (status === 0) return stdout;
  process.stderr.write(`${stdout ?? ""}${stderr ?? ""}`);
  return fail(`Cannot run "${program} ${args.join(" ")}": ${error?.message ?? `exit code ${status}`}`, [
    "Its output is above; is the package mirror reachable?",
  ]);
}

function installedPackages() {
  return run("dpkg-query", ["-W", "-f", "${db:Status-Abbrev}${Package}\n"])
    .split("\n")
    .filter((line) => line.startsWith("ii"))
    .map((line) => line.slice(2).trim());
}

function hasProgram(name) {
  return spawnSync(name, ["--version"], { stdio: "ignore" }).error === undefined;
}

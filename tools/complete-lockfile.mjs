// Adds to package-lock.json the optional packages of other platforms that the registry in use lacks. Without an entry `npm ci`
// refuses the whole lockfile; with one, npm passes over it wherever the platform differs. Run it after `npm install`.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = fileURLToPath(new URL("../package-lock.json", import.meta.url));
const lock = JSON.parse(readFileSync(path, "utf8"));
const { packages } = lock;
for (const { dev, optionalDependencies = {} } of Object.values(packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const key = `node_modules/${name}`;
    const platform = platformOf(name);
    if (packages[key] !== undefined || platform === undefined) continue;
    packages[key] = { version, ...platform, ...(dev === true ? { dev } : {}), optional: true };
    console.log(`added ${name}@${version}`);
  }
}
const [own, ...others] = Object.keys(packages);
const sorted = [own, ...others.sort((a, b) => a.localeCompare(b, "en"))];
lock.packages = Object.fromEntries(sorted.map((key) => [key, packages[key]]));
writeFileSync(path, `${JSON.stringify(lock, undefined, 2)}\n`);

/** Packages of one platform carry it in their names: `…-linux-arm64-musl`, `…-win32-x64-msvc`. */
function platformOf(name) {
  const match =
    /(android|darwin|freebsd|linux|openharmony|win32)-(arm64|arm|x64|ia32|ppc64|riscv64|s390x)(-\w+)?$/.exec(name);
  if (match === null) return undefined;
  const [, os, cpu, abi = ""] = match;
  const libc = abi.startsWith("-musl") ? { libc: ["musl"] } : abi.startsWith("-gnu") ? { libc: ["glibc"] } : {};
  return { cpu: [cpu], os: [os], ...libc };
}

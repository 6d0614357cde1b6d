import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import koffi from "koffi";

export interface DockerRegistryOptions {
  /** Path of Debian's `docker-registry`. */
  readonly binary: string;
  /** Who may push and pull, with their passwords; everybody where it is empty. */
  readonly users?: Readonly<Record<string, string>>;
}

/** A running registry, Docker's own. Disposing it ends the process and removes its data. */
export interface DockerRegistry extends AsyncDisposable {
  /** `127.0.0.1:port`, plain HTTP. */
  readonly host: string;
  readonly pid: number;
}

/** Starts `docker-registry` with htpasswd authentication on a free loopback port, its data in a temporary directory. */
export async function startDockerRegistry(options: DockerRegistryOptions): Promise<DockerRegistry> {
  const directory = await mkdtemp(join(tmpdir(), "berth-registry-"));
  await writeConfig(directory, options.users ?? {});
  const child = spawn(options.binary, ["serve", join(directory, "config.yml")], {
    stdio: ["ignore", "ignore", "pipe"],
    env: {},
  });
  const dispose = async () => {
    await end(child);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    return { host: await listeningAddress(child), pid: child.pid ?? 0, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Returns a line of an htpasswd file with a bcrypt hash, the only kind that `docker-registry` takes. */
function htpasswdLine(username: string, password: string): string {
  return `${username}:${bcrypt(password)}`;
}

async function writeConfig(directory: string, users: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries(users).map(([username, password]) => htpasswdLine(username, password));
  await writeFile(join(directory, "htpasswd"), `${lines.join("\n")}\n`, { mode: 0o600 });
  const config = {
    version: 0.1,
    log: { level: "info", formatter: "json" },
    storage: { filesystem: { rootdirectory: join(directory, "data") }, delete: { enabled: true } },
    http: { addr: "127.0.0.1:0" },
    ...(lines.length === 0 ? {} : { auth: { htpasswd: { realm: "berth", path: join(directory, "htpasswd") } } }),
  };
  // JSON is YAML too.
  await writeFile(join(directory, "config.yml"), JSON.stringify(config));
}

async function listeningAddress(child: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  child.once("error", reject);
  const said: string[] = [];
  if (child.stderr === null) throw new TypeError("Cannot read what the registry says: it has no standard error");
  const lines = createInterface({ input: child.stderr });
  lines.on("line", (line) => {
    said.push(line.slice(0, 300));
    const address = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
    if (address !== undefined) resolve(address);
  });
  child.once("exit", (code) =>
    reject(new Error(`Cannot start the registry: exit code ${code}\n${said.slice(-5).join("\n")}`)),
  );
  return await promise;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}

/** bcrypt by libxcrypt's crypt(3), which every Debian has; Node has no bcrypt. */
function bcrypt(password: string): string {
  const crypt = koffi.load("libcrypt.so.1").func("const char *crypt(const char *, const char *)") as (
    password: string,
    setting: string,
  ) => string | null;
  const hash = crypt(password, `$2b$05$${bcryptSalt()}`);
  if (hash === null || !hash.startsWith("$2b$")) throw new Error("Cannot hash a password: crypt(3) knows no bcrypt");
  return hash;
}

function bcryptSalt(): string {
  const alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const letters = Array.from(randomBytes(21), (byte) => alphabet[byte % 64]).join("");
  // 128 bits are 21 letters and a third: only four letters can end a salt.
  return `${letters}${".Oeu"[randomBytes(1).readUInt8() % 4]}`;
}

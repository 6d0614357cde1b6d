import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import koffi from "koffi";

import type { KeyPair } from "../pki/key-pair.ts";

export interface DockerRegistryOptions {
  /** Path of Debian's `docker-registry`. */
  readonly binary: string;
  /** Who may push and pull, with their passwords; everybody where it is empty. */
  readonly users?: Readonly<Record<string, string>>;
  /** Certificate and key to serve TLS with; plain HTTP without. */
  readonly tls?: KeyPair;
  /** Whether it goes on when this program ends; then nobody but the caller ends it. */
  readonly outlives?: boolean;
}

/** A running registry, Docker's own. Disposing it ends the process and removes its data. */
export interface DockerRegistry extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly host: string;
  readonly pid: number;
}

/** Starts `docker-registry` with htpasswd authentication on a free loopback port, its data in a temporary directory. */
export async function startDockerRegistry(options: DockerRegistryOptions): Promise<DockerRegistry> {
  const directory = await mkdtemp(join(tmpdir(), "berth-registry-"));
  await writeConfig(directory, options);
  const log = join(directory, "log");
  // A file rather than a pipe: a pipe ends with its reader, and then so does who writes to it.
  await using output = await open(log, "w", 0o600);
  const child = spawn(options.binary, ["serve", join(directory, "config.yml")], {
    detached: options.outlives === true,
    stdio: ["ignore", "ignore", output.fd],
    env: {},
  });
  if (options.outlives === true) child.unref();
  const dispose = async () => {
    await end(child);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    return { host: await listeningAddress(child, log), pid: child.pid ?? 0, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Returns a line of an htpasswd file with a bcrypt hash, the only kind that `docker-registry` takes. */
function htpasswdLine(username: string, password: string): string {
  return `${username}:${bcrypt(password)}`;
}

async function writeConfig(directory: string, { users = {}, tls }: DockerRegistryOptions): Promise<void> {
  const [certificate, key] = [join(directory, "tls.crt"), join(directory, "tls.key")];
  if (tls !== undefined) {
    await writeFile(certificate, tls.certificate);
    await writeFile(key, tls.key.reveal(), { mode: 0o600 });
  }
  const lines = Object.entries(users).map(([username, password]) => htpasswdLine(username, password));
  await writeFile(join(directory, "htpasswd"), `${lines.join("\n")}\n`, { mode: 0o600 });
  const config = {
    version: 0.1,
    log: { level: "info", formatter: "json" },
    storage: { filesystem: { rootdirectory: join(directory, "data") }, delete: { enabled: true } },
    http: { addr: "127.0.0.1:0", ...(tls === undefined ? {} : { tls: { certificate, key } }) },
    ...(lines.length === 0 ? {} : { auth: { htpasswd: { realm: "berth", path: join(directory, "htpasswd") } } }),
  };
  // JSON is YAML too.
  await writeFile(join(directory, "config.yml"), JSON.stringify(config));
}

async function listeningAddress(child: ChildProcess, log: string): Promise<string> {
  let failure: Error | undefined;
  child.once("error", (error) => (failure = error));
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const said = await readFile(log, "utf8");
    const address = /listening on (127\.0\.0\.1:\d+)/.exec(said)?.[1];
    if (address !== undefined) return address;
    if (failure !== undefined) throw failure;
    if (child.exitCode !== null || performance.now() > deadline) {
      const lines = said
        .trimEnd()
        .split("\n")
        .slice(-5)
        .map((line) => line.slice(0, 300));
      throw new Error(`Cannot start the registry: exit code ${child.exitCode}\n${lines.join("\n")}`);
    }
    await delay(POLL_MS);
  }
}

const START_TIMEOUT_MS = 10_000;
const POLL_MS = 5;

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

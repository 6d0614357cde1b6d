import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { lockFile } from "../base/file-lock.ts";

export interface IpForwardingOptions {
  /** Directory that all clusters of this host share. */
  readonly directory: string;
  readonly instance: string;
  /** The kernel's file; another one only for tests. */
  readonly sysctl?: string;
}

/** Makes the kernel forward packets, and remembers what it did before the first cluster came. Idempotent. */
export async function enableIpForwarding(options: IpForwardingOptions): Promise<void> {
  await using _lock = await lockShared(options.directory);
  const sysctl = options.sysctl ?? SYSCTL;
  const before = (await readFile(sysctl, "utf8")).trim();
  const original = join(options.directory, ORIGINAL);
  const users = await usersOf(options.directory);
  // Without users, what is remembered is from a boot that has ended.
  if (users.length === 0) await writeFile(original, before);
  await writeFile(join(options.directory, USER_PREFIX + options.instance), "");
  if (before !== "1") await writeFile(sysctl, "1");
}

/** Puts the setting back when the last cluster leaves. Idempotent. */
export async function restoreIpForwarding(options: IpForwardingOptions): Promise<void> {
  await using _lock = await lockShared(options.directory);
  const own = USER_PREFIX + options.instance;
  const users = await usersOf(options.directory);
  await rm(join(options.directory, own), { force: true });
  if (!users.includes(own) || users.length > 1) return;
  const original = join(options.directory, ORIGINAL);
  const before = (await readFile(original, "utf8")).trim();
  if (/^[01]$/.test(before)) await writeFile(options.sysctl ?? SYSCTL, before);
  await rm(original);
}

const SYSCTL = "/proc/sys/net/ipv4/ip_forward";
const ORIGINAL = "original";
const USER_PREFIX = "instance-";
const LOCK_WAIT_MS = 10_000;

async function lockShared(directory: string): Promise<AsyncDisposable> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return await lockFile(join(directory, "lock"), { waitMs: LOCK_WAIT_MS });
}

async function usersOf(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.startsWith(USER_PREFIX));
}

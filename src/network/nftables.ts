import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { codeOf } from "../base/coded-error.ts";
import { type RunResult, run } from "../base/process/run.ts";
import { NetworkError } from "./network-error.ts";

/** Applies a ruleset in nft's own language, all of it or nothing. Throws `NetworkError` (`RULES_REFUSED`). */
export async function applyRules(rules: string): Promise<void> {
  // A file of its own: nft opens its input by name, and cannot where that is a socket.
  const directory = await mkdtemp(join(tmpdir(), "berth-nft-"));
  const file = join(directory, "rules.nft");
  try {
    await writeFile(file, rules, { mode: 0o600 });
    const result = await nft(["-f", file]);
    if (result.exitCode === 0) return;
    const reason = result.stderr.toString().replaceAll(`${file}:`, "").trim().slice(0, 1024);
    throw new NetworkError("RULES_REFUSED", `Cannot apply firewall rules: ${reason}`);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Removes one of our tables. Idempotent. */
export async function removeTable(name: string): Promise<void> {
  // Adding before deleting makes the deletion of an absent table succeed.
  await applyRules(`add table inet ${name}\ndelete table inet ${name}\n`);
}

/** A chain as nft lists it; `policy` and `hook` only for those that the kernel calls. */
export interface NftChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook?: string;
  readonly policy?: string;
}

export interface NftRule {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly handle: number;
  readonly comment?: string;
}

/** Returns every chain of every table. */
export async function listChains(): Promise<NftChain[]> {
  const listing = await listJson(["-j", "list", "chains"]);
  return listing.flatMap((entry) => (entry.chain === undefined ? [] : [entry.chain]));
}

/** Returns the rules of a chain. */
export async function listRules(chain: NftChain): Promise<NftRule[]> {
  const listing = await listJson(["-j", "-a", "list", "chain", chain.family, chain.table, chain.name]);
  return listing.flatMap((entry) => (entry.rule === undefined ? [] : [entry.rule]));
}

interface ListingEntry {
  readonly chain?: NftChain;
  readonly rule?: NftRule;
}

const NFT_TIMEOUT_MS = 30_000;
const MAX_LISTING_BYTES = 16 * 1024 * 1024;

async function listJson(args: readonly string[]): Promise<ListingEntry[]> {
  const result = await nft(args);
  // Another program may have removed what we ask about since it was listed.
  if (result.exitCode !== 0) return [];
  return (JSON.parse(result.stdout.toString()) as { nftables: ListingEntry[] }).nftables;
}

async function nft(args: readonly string[]): Promise<RunResult> {
  try {
    return await run(["nft", ...args], { timeoutMs: NFT_TIMEOUT_MS, maxOutputBytes: MAX_LISTING_BYTES });
  } catch (cause) {
    if (codeOf(cause) !== "NOT_FOUND") throw cause;
    throw new NetworkError("PROGRAM_MISSING", `Cannot set firewall rules: nft is not installed`, {
      cause,
      hint: "Install the package nftables of your distribution",
    });
  }
}

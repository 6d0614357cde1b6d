import { readFile } from "node:fs/promises";

import { codeOf } from "../base/coded-error.ts";
import { run } from "../base/process/run.ts";
import { applyRules, listChains, listRules, type NftChain } from "./nftables.ts";

/** Whose packets must pass, and the mark by which we know our own rules in tables of others. */
export interface ForwardRequest {
  readonly podCidr: string;
  /** In the comment of each rule that we add. */
  readonly mark: string;
}

/**
 * Lets pods through tables of other programs (Docker, ufw) that drop what is forwarded: a verdict of ours cannot overrule
 * theirs, so an accepting rule is put at the head of their chain. Returns what is in the way and cannot be mended. Idempotent.
 */
export async function openForwarding(request: ForwardRequest): Promise<string[]> {
  const dropping = await droppingChains();
  for (const chain of dropping) await acceptInChain(chain, request);
  return [...(await openLegacyForwarding(request)), ...(await knownObstacles())];
}

/** Takes our rules out of tables of others. Idempotent. */
export async function closeForwarding(request: ForwardRequest): Promise<void> {
  const chains = (await listChains()).filter((chain) => chain.hook === "forward");
  for (const chain of chains) {
    const own = (await listRules(chain)).filter((rule) => rule.comment === request.mark);
    const deletions = own.map(({ handle }) => `delete rule ${describe(chain)} handle ${handle}\n`);
    if (deletions.length > 0) await applyRules(deletions.join(""));
  }
  if (await isLegacyInUse()) for (const rule of legacyRules(request)) await legacy(["-D", ...rule]);
}

async function droppingChains(): Promise<NftChain[]> {
  const chains = await listChains();
  const ours = (chain: NftChain): boolean => chain.family === "inet" || chain.family === "ip";
  return chains.filter((chain) => chain.hook === "forward" && chain.policy === "drop" && ours(chain));
}

async function acceptInChain(chain: NftChain, { podCidr, mark }: ForwardRequest): Promise<void> {
  const rules = await listRules(chain);
  if (rules.some((rule) => rule.comment === mark)) return;
  const insert = (match: string): string => `insert rule ${describe(chain)} ${match} accept comment "${mark}"\n`;
  await applyRules(insert(`ip saddr ${podCidr}`) + insert(`ip daddr ${podCidr}`));
}

function describe(chain: NftChain): string {
  return `${chain.family} ${chain.table} ${chain.name}`;
}

/** Tables made by the old iptables cannot be seen or changed through nft. */
async function openLegacyForwarding(request: ForwardRequest): Promise<string[]> {
  if (!(await isLegacyInUse())) return [];
  const policy = await legacy(["-S", "FORWARD"]);
  if (policy === undefined)
    return ["iptables (legacy) rules exist and iptables-legacy is not installed to look at them"];
  if (!policy.startsWith("-P FORWARD DROP")) return [];
  for (const rule of legacyRules(request)) {
    if ((await legacy(["-C", ...rule])) === undefined) await legacy(["-I", ...rule]);
  }
  return [];
}

async function isLegacyInUse(): Promise<boolean> {
  const names = await readFile("/proc/net/ip_tables_names", "utf8").catch(() => "");
  return names.split("\n").includes("filter");
}

function legacyRules({ podCidr, mark }: ForwardRequest): string[][] {
  const accept = ["-m", "comment", "--comment", mark, "-j", "ACCEPT"];
  return [
    ["FORWARD", "-s", podCidr, ...accept],
    ["FORWARD", "-d", podCidr, ...accept],
  ];
}

/** Returns what iptables-legacy printed, or undefined where it failed or is not installed. */
async function legacy(args: readonly string[]): Promise<string | undefined> {
  try {
    const result = await run(["iptables-legacy", "-w", "5", ...args], { timeoutMs: 30_000 });
    return result.exitCode === 0 ? result.stdout.toString() : undefined;
  } catch (error) {
    if (codeOf(error) === "NOT_FOUND") return undefined;
    throw error;
  }
}

/** firewalld rejects by its last rule, not by policy, and rewrites its table: only its own command can let pods through. */
async function knownObstacles(): Promise<string[]> {
  const firewalld = (await listChains()).some((chain) => chain.table === "firewalld" && chain.hook === "forward");
  if (!firewalld) return [];
  return [
    "firewalld may reject what pods send; add their range to its trusted zone with firewall-cmd --zone=trusted --add-source",
  ];
}

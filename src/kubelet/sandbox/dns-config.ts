import { readFile } from "node:fs/promises";

import type { PodDNSConfig } from "../../api/core-v1.gen.ts";
import type { DnsConfig } from "../../cri/runtime-service.ts";
import type { NodePod } from "../node-pod.ts";

/** Where names are asked: the cluster's own servers, where there are any, and the host's. */
export interface DnsSettings {
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** The host's `resolv.conf`. */
  readonly resolvConf: string;
}

/** A pod's resolver configuration and what had to be left out of it, worded as the kubelet's `DNSConfigForming` event. */
export interface PodDns {
  readonly config: DnsConfig;
  readonly warnings: readonly string[];
}

/** Returns the resolver configuration for a pod's DNS policy. Without cluster DNS, `ClusterFirst` is the host's. */
export async function podDnsOf(pod: NodePod, settings: DnsSettings): Promise<PodDns> {
  const base = await baseConfig(pod, settings);
  return limited(merged(base, pod.spec.dnsConfig));
}

/** Parses resolv.conf(5). The last `search` or `domain` line wins; a trailing dot and the root domain are dropped. */
export function parseResolvConf(text: string): DnsConfig {
  const servers: string[] = [];
  let searches: readonly string[] = [];
  let options: readonly string[] = [];
  for (const line of text.split("\n")) {
    const [keyword, ...values] = line
      .replace(/[#;].*$/, "")
      .trim()
      .split(/\s+/);
    if (keyword === "nameserver" && values[0] !== undefined) servers.push(values[0]);
    if (keyword === "search" || keyword === "domain")
      searches = values.map(withoutDot).filter((domain) => domain !== "");
    if (keyword === "options") options = [...options, ...values];
  }
  return { servers, searches, options };
}

async function baseConfig({ namespace, spec }: NodePod, settings: DnsSettings): Promise<DnsConfig> {
  const policy = spec.dnsPolicy ?? "ClusterFirst";
  if (policy === "None") return { servers: [], searches: [], options: [] };
  const host = parseResolvConf(await readFile(settings.resolvConf, "utf8").catch(() => ""));
  const isCluster = policy === "ClusterFirstWithHostNet" || (policy === "ClusterFirst" && spec.hostNetwork !== true);
  if (!isCluster || settings.clusterDns.length === 0) return host;
  const domain = settings.clusterDomain;
  const searches = [`${namespace}.svc.${domain}`, `svc.${domain}`, domain, ...host.searches];
  return { servers: settings.clusterDns, searches: [...new Set(searches)], options: ["ndots:5"] };
}

function merged(base: DnsConfig, own: PodDNSConfig | undefined): DnsConfig {
  if (own === undefined) return base;
  const named = new Map(base.options.map((option) => [option.split(":", 1)[0] ?? option, option]));
  for (const { name = "", value } of own.options ?? [])
    named.set(name, value === undefined ? name : `${name}:${value}`);
  return {
    servers: [...new Set([...base.servers, ...(own.nameservers ?? [])])],
    searches: [...new Set([...base.searches, ...(own.searches ?? []).map(withoutDot)])],
    options: [...named.values()],
  };
}

const MAX_SERVERS = 3;
const MAX_SEARCHES = 32;
const MAX_SEARCH_LENGTH = 2048;

function limited({ servers, searches, options }: DnsConfig): PodDns {
  const kept = servers.slice(0, MAX_SERVERS);
  const keptSearches = fittingSearches(searches);
  const warnings = [
    ...(kept.length < servers.length
      ? [
          `Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${kept.join(" ")}`,
        ]
      : []),
    ...(keptSearches.length < searches.length
      ? [
          `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${keptSearches.join(" ")}`,
        ]
      : []),
  ];
  return { config: { servers: kept, searches: keptSearches, options }, warnings };
}

function fittingSearches(searches: readonly string[]): readonly string[] {
  let length = -1;
  return searches.slice(0, MAX_SEARCHES).filter((search) => {
    length += search.length + 1;
    return length <= MAX_SEARCH_LENGTH && search.length <= 253;
  });
}

function withoutDot(domain: string): string {
  return domain.replace(/\.$/, "");
}

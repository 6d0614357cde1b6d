import type { HostAlias } from "../../api/core-v1.gen.ts";

export interface HostsFileRequest {
  readonly podIps: readonly string[];
  readonly hostname: string;
  /** Name with its domain, where the pod has a subdomain. */
  readonly fullName?: string | undefined;
  readonly aliases: readonly HostAlias[];
}

/** Returns the `/etc/hosts` of a pod with its own network. */
export function podHostsFile({ podIps, hostname, fullName, aliases }: HostsFileRequest): string {
  const names = fullName === undefined ? hostname : `${fullName}\t${hostname}`;
  return [
    "# Kubernetes-managed hosts file.",
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "fe00::0\tip6-mcastprefix",
    "fe00::1\tip6-allnodes",
    "fe00::2\tip6-allrouters",
    ...podIps.map((ip) => `${ip}\t${names}`),
    ...aliasLines(aliases),
    "",
  ].join("\n");
}

/** Returns the `/etc/hosts` of a pod in the host's network: the host's own, with the pod's aliases. */
export function hostNetworkHostsFile(hostFile: string, aliases: readonly HostAlias[]): string {
  return ["# Kubernetes-managed hosts file (host network).", hostFile.trimEnd(), ...aliasLines(aliases), ""].join("\n");
}

function aliasLines(aliases: readonly HostAlias[]): readonly string[] {
  if (aliases.length === 0) return [];
  const lines = aliases.map(({ ip, hostnames }) => [ip, ...(hostnames ?? [])].join("\t"));
  return ["", "# Entries added by HostAliases.", ...lines];
}

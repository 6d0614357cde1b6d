import { BlockList, isIP } from "node:net";

/** Says whether a host of a URL (IPv6 in brackets or not) is this machine: `localhost`, 127.0.0.0/8 or ::1. */
export function isLoopbackHost(host: string): boolean {
  const bare = bareHost(host);
  if (bare === "localhost" || bare.endsWith(".localhost")) return true;
  return isIP(bare) !== 0 && contains(LOOPBACK, bare);
}

/**
 * Says whether no registry may send us to this address: link-local (where clouds keep the node's own credentials),
 * unspecified, multicast. Loopback is forbidden too unless `allowLoopback`.
 */
export function isForbiddenAddress(address: string, allowLoopback: boolean): boolean {
  const bare = bareHost(address);
  if (isIP(bare) === 0) return false;
  return contains(NEVER, bare) || (!allowLoopback && contains(LOOPBACK, bare));
}

/** Says whether a host is an address of a private network (RFC 1918, RFC 4193), which another host may mean otherwise. */
export function isPrivateAddress(host: string): boolean {
  const bare = bareHost(host);
  return isIP(bare) !== 0 && contains(PRIVATE, bare);
}

export function bareHost(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
}

const LOOPBACK = blockList(["127.0.0.0/8", "::1/128"]);
const NEVER = blockList([
  "0.0.0.0/8",
  "169.254.0.0/16",
  "224.0.0.0/4",
  "::/128",
  "fe80::/10",
  "ff00::/8",
  "fd00:ec2::254/128",
]);
const PRIVATE = blockList(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]);

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = "", prefix = ""] = range.split("/");
    list.addSubnet(network, Number(prefix), network.includes(":") ? "ipv6" : "ipv4");
  }
  return list;
}

function contains(list: BlockList, address: string): boolean {
  // An IPv4-mapped IPv6 address is the IPv4 address (BlockList knows that itself).
  return list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

import { readFile } from "node:fs/promises";

import { parseResolvConf } from "./dns-config.ts";

/**
 * Returns the host's resolver file that pods can use: the usual one, or systemd-resolved's own where the usual one names only the host's
 * loopback, which is another place inside a pod.
 */
export async function hostResolvConf(): Promise<string> {
  const { servers } = parseResolvConf(await readFile(USUAL, "utf8").catch(() => ""));
  if (servers.some((server) => !isLoopback(server))) return USUAL;
  const upstream = parseResolvConf(await readFile(SYSTEMD_RESOLVED, "utf8").catch(() => ""));
  return upstream.servers.length > 0 ? SYSTEMD_RESOLVED : USUAL;
}

const USUAL = "/etc/resolv.conf";
const SYSTEMD_RESOLVED = "/run/systemd/resolve/resolv.conf";

function isLoopback(server: string): boolean {
  return server.startsWith("127.") || server === "::1";
}

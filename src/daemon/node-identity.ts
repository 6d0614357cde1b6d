import { readFileSync } from "node:fs";
import { hostname, networkInterfaces } from "node:os";

import type { RoleConfig } from "./role-protocol.ts";

/** Who the node of this machine is: both roles must come to the same answer. */
export interface NodeIdentity {
  readonly name: string;
  /** The address that the API server reaches the node's server by. */
  readonly ip: string;
}

/** Returns the node's name, by default the host's, and its address: that of the interface with the default route. */
export function nodeIdentity(config: RoleConfig): NodeIdentity {
  return { name: config.options.nodeName ?? hostname().toLowerCase(), ip: defaultAddress() };
}

function defaultAddress(): string {
  const interfaces = Object.entries(networkInterfaces());
  const byRoute = interfaces.filter(([name]) => name === defaultRouteInterface());
  const addresses = [...byRoute, ...interfaces].flatMap(([, list]) => list ?? []);
  // A machine without a network still runs pods.
  return addresses.find((each) => each.family === "IPv4" && !each.internal)?.address ?? "127.0.0.1";
}

/** proc(5), `/proc/net/route`: destination and mask of the default route are zero. */
function defaultRouteInterface(): string | undefined {
  const rows = readRoutes().map((line) => line.split("\t"));
  return rows.find((fields) => fields[1] === "00000000" && fields[7] === "00000000")?.[0];
}

function readRoutes(): string[] {
  try {
    return readFileSync("/proc/net/route", "latin1").split("\n").slice(1);
  } catch {
    return [];
  }
}

import { readFile } from "node:fs/promises";

import { network, type Cidr } from "./cidr.ts";

/** Returns the IPv4 ranges this host routes somewhere, the default route left out: proc(5), `/proc/net/route`. */
export async function listHostRoutes(path = "/proc/net/route"): Promise<Cidr[]> {
  let text: string;
  try {
    text = await readFile(path, "latin1");
  } catch {
    // Without the kernel's table (another system, a narrow sandbox) there is nothing to avoid.
    return [];
  }
  return text.split("\n").slice(1).flatMap(parseRoute);
}

function parseRoute(line: string): Cidr[] {
  const fields = line.trim().split(/\s+/);
  const destination = littleEndian(fields[1]);
  const mask = littleEndian(fields[7]);
  if (destination === undefined || mask === undefined || mask === 0) return [];
  const prefix = 32 - Math.log2(2 ** 32 - mask);
  return Number.isInteger(prefix) ? [{ base: network(destination, prefix), prefix }] : [];
}

function littleEndian(hex: string | undefined): number | undefined {
  if (hex === undefined || !/^[0-9A-F]{8}$/i.test(hex)) return undefined;
  return Buffer.from(hex, "hex").readUInt32LE(0);
}

import { readFileSync } from "node:fs";

import { type Capability, CAPABILITIES, capabilitiesOf } from "./capabilities.ts";
import { cFunction, checked } from "./syscalls.ts";

/**
 * Gives up, for the calling thread and what it starts from now on, all capabilities but those of `kept` that it has, and the
 * way to get any back by running a program. Throws `LinuxError`. Threads that run already keep theirs.
 */
export function dropCapabilities(kept: readonly Capability[]): void {
  checked(cPrctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "forbid new privileges");
  const held = heldCapabilities();
  const mask = kept
    .filter((name) => held.has(name))
    .reduce((bits, name) => bits | (1n << BigInt(CAPABILITIES.indexOf(name))), 0n);
  const header = Buffer.alloc(8);
  header.writeUInt32LE(LINUX_CAPABILITY_VERSION_3, 0);
  const data = Buffer.alloc(24);
  for (const [word, shift] of [0n, 32n].entries()) {
    const bits = Number((mask >> shift) & 0xffffffffn);
    // Effective, permitted, inheritable.
    data.writeUInt32LE(bits, word * 12);
    data.writeUInt32LE(bits, word * 12 + 4);
  }
  checked(cCapset(header, data), "give up capabilities");
}

function heldCapabilities(): ReadonlySet<Capability> {
  const status = readFileSync("/proc/thread-self/status", "utf8");
  return capabilitiesOf(/^CapPrm:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0");
}

// capset(2): 64-bit capability sets, as two words each.
const LINUX_CAPABILITY_VERSION_3 = 0x20080522;
const PR_SET_NO_NEW_PRIVS = 38;

const cPrctl = cFunction("int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)");
const cCapset = cFunction("int capset(void *, const void *)");

import { readFileSync } from "node:fs";

/** Capability names in the order of their numbers (capabilities(7)). */
export const CAPABILITIES = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_DAC_READ_SEARCH",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_LINUX_IMMUTABLE",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_BROADCAST",
  "CAP_NET_ADMIN",
  "CAP_NET_RAW",
  "CAP_IPC_LOCK",
  "CAP_IPC_OWNER",
  "CAP_SYS_MODULE",
  "CAP_SYS_RAWIO",
  "CAP_SYS_CHROOT",
  "CAP_SYS_PTRACE",
  "CAP_SYS_PACCT",
  "CAP_SYS_ADMIN",
  "CAP_SYS_BOOT",
  "CAP_SYS_NICE",
  "CAP_SYS_RESOURCE",
  "CAP_SYS_TIME",
  "CAP_SYS_TTY_CONFIG",
  "CAP_MKNOD",
  "CAP_LEASE",
  "CAP_AUDIT_WRITE",
  "CAP_AUDIT_CONTROL",
  "CAP_SETFCAP",
  "CAP_MAC_OVERRIDE",
  "CAP_MAC_ADMIN",
  "CAP_SYSLOG",
  "CAP_WAKE_ALARM",
  "CAP_BLOCK_SUSPEND",
  "CAP_AUDIT_READ",
  "CAP_PERFMON",
  "CAP_BPF",
  "CAP_CHECKPOINT_RESTORE",
] as const;

export type Capability = (typeof CAPABILITIES)[number];

/** Returns the capability of a name written with or without `CAP_`, in any case, or undefined. */
export function parseCapability(text: string): Capability | undefined {
  const name = text.toUpperCase().replace(/^(?!CAP_)/, "CAP_");
  return CAPABILITIES.find((capability) => capability === name);
}

/** Returns the capabilities that programs we start can have at most: the bounding set of this process. */
export function boundingSet(): ReadonlySet<Capability> {
  return (bounding ??= readSet("CapBnd"));
}

/** Returns the capabilities in a hexadecimal mask as proc(5) prints it. */
export function capabilitiesOf(mask: string): Set<Capability> {
  const bits = BigInt(`0x${mask}`);
  return new Set(CAPABILITIES.filter((_, number) => (bits >> BigInt(number)) & 1n));
}

let bounding: ReadonlySet<Capability> | undefined;

function readSet(field: "CapBnd" | "CapEff"): Set<Capability> {
  const status = readFileSync("/proc/self/status", "utf8");
  const mask = new RegExp(`^${field}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1] ?? "0";
  return capabilitiesOf(mask);
}

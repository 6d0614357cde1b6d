import { CAPABILITIES, type Capability, boundingSet, parseCapability } from "../linux/capabilities.ts";
import { RuntimeError } from "./runtime-error.ts";

/** What a pod's security context says about capabilities. */
export interface CapabilityRequest {
  readonly privileged: boolean;
  /** Names with or without `CAP_`, or `ALL`. */
  readonly add: readonly string[];
  readonly drop: readonly string[];
}

/**
 * Returns what a container gets: the defaults of Docker and containerd, changed as asked for, within what we have ourselves.
 * What is both added and dropped by name is added, as in containerd. Throws `RuntimeError` (`INVALID_CONFIG`).
 */
export function grantedCapabilities(request: CapabilityRequest): ReadonlySet<Capability> {
  const own = boundingSet();
  if (request.privileged) return new Set(CAPABILITIES.filter((capability) => own.has(capability)));
  const granted = new Set<Capability>(isAll(request.add) ? CAPABILITIES : isAll(request.drop) ? [] : DEFAULTS);
  for (const name of named(request.drop)) granted.delete(name);
  for (const name of named(request.add)) granted.add(name);
  return new Set([...granted].filter((capability) => own.has(capability)));
}

const DEFAULTS: readonly Capability[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FSETID",
  "CAP_FOWNER",
  "CAP_MKNOD",
  "CAP_NET_RAW",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETFCAP",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_SYS_CHROOT",
  "CAP_KILL",
  "CAP_AUDIT_WRITE",
];

function isAll(names: readonly string[]): boolean {
  return names.some((name) => name.toUpperCase() === "ALL");
}

function named(names: readonly string[]): Capability[] {
  return names.filter((name) => name.toUpperCase() !== "ALL").map(toCapability);
}

function toCapability(name: string): Capability {
  const capability = parseCapability(name);
  if (capability !== undefined) return capability;
  throw new RuntimeError("INVALID_CONFIG", `Cannot grant the capability "${name}": there is none of that name`);
}

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

import { debianProgram } from "./debian-program.ts";

/** Something of the host that a scenario cannot do without. */
export type Requirement = "root" | "runc" | "conmon" | "nft" | "docker-registry" | "busybox-static";

/**
 * Returns why a test must be skipped here, or false where all is there: the value of `skip` of `node:test`. Throws an `Error`
 * instead where `CI` is set, so that nothing is skipped unseen.
 */
export function requires(...requirements: readonly Requirement[]): string | false {
  const missing = requirements.filter((requirement) => !IS_THERE[requirement]());
  if (missing.length === 0) return false;
  const reason = `needs ${missing.join(", ")}`;
  if (process.env["CI"] !== undefined) throw new Error(`Cannot run the scenario: it ${reason}`);
  return reason;
}

const IS_THERE: Readonly<Record<Requirement, () => boolean>> = {
  root: () => process.getuid?.() === 0,
  runc: () => isOnPath("runc"),
  conmon: () => isOnPath("conmon"),
  nft: () => isOnPath("nft"),
  "docker-registry": () => existsSync(debianProgram("docker-registry", "usr/bin/docker-registry")),
  "busybox-static": () => existsSync(debianProgram("busybox-static", "bin/busybox")),
};

function isOnPath(program: string): boolean {
  const path = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;
  return path.split(delimiter).some((directory) => existsSync(join(directory, program)));
}

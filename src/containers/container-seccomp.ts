import { readFile } from "node:fs/promises";
import { isAbsolute, normalize } from "node:path";

import { CriError } from "../cri/cri-error.ts";
import type { LinuxContainerSecurityContext } from "../cri/runtime-service.ts";
import { hasSeccomp } from "../linux/seccomp.ts";
import type { Seccomp } from "../oci/runtime-config.ts";
import { defaultSeccomp } from "../runtime/default-seccomp.ts";

/**
 * Returns the filter of system calls that a container asks for, undefined for none. A profile that cannot be had fails: it
 * never means running without one. Throws `CriError`.
 */
export async function containerSeccomp(
  context: LinuxContainerSecurityContext,
  capabilities: ReadonlySet<string>,
): Promise<Seccomp | undefined> {
  const { profileType, localhostRef } = context.seccomp;
  if (context.privileged || profileType === "Unconfined") return undefined;
  if (profileType === "Localhost") return await readProfile(localhostRef ?? "");
  // As other runtimes: the default profile is the one that a kernel without filters can only miss.
  return hasSeccomp() ? defaultSeccomp(capabilities) : undefined;
}

const MAX_PROFILE_BYTES = 4 * 1024 * 1024;

async function readProfile(path: string): Promise<Seccomp> {
  if (!isAbsolute(path) || normalize(path) !== path) {
    throw new CriError("INVALID_ARGUMENT", `Cannot use the seccomp profile "${path}": not an absolute path`);
  }
  try {
    const text = await readFile(path);
    if (text.byteLength > MAX_PROFILE_BYTES) throw new RangeError("too large");
    const profile = JSON.parse(text.toString()) as Partial<Seccomp>;
    if (typeof profile.defaultAction !== "string") throw new TypeError("no defaultAction");
    return profile as Seccomp;
  } catch (cause) {
    throw new CriError("INVALID_ARGUMENT", `Cannot use the seccomp profile "${path}": not a readable profile`, {
      cause,
    });
  }
}

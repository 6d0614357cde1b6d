import type { Container, PodSecurityContext, PodSpec, SeccompProfile, SecurityContext } from "../core-v1.gen.ts";
import { at, atIndex, duplicate, invalid, notSupported, required } from "../field-error.ts";
import { checkOptionalChoice, checkRange, type FieldErrors, MAX_ID } from "./checks.ts";
import type { Faults } from "./names.ts";

/** Checks a container's security context. */
export function* validateSecurityContext(context: SecurityContext, path: string): FieldErrors {
  yield* checkRange(at(path, "runAsUser"), context.runAsUser, 0, MAX_ID);
  yield* checkRange(at(path, "runAsGroup"), context.runAsGroup, 0, MAX_ID);
  yield* validateSeccomp(context.seccompProfile, at(path, "seccompProfile"));
  yield* checkOptionalChoice(at(path, "procMount"), context.procMount, ["Default", "Unmasked"]);
  if (context.allowPrivilegeEscalation !== false) return;
  if (context.privileged === true) {
    yield invalid(path, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
  }
  if ((context.capabilities?.add ?? []).some((name) => name === "SYS_ADMIN" || name === "CAP_SYS_ADMIN")) {
    yield invalid(path, context, "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
  }
}

/** Checks the security context of a whole pod, and what it says together with the host's namespaces. */
export function* validatePodSecurityContext(spec: PodSpec, path: string): FieldErrors {
  const context = spec.securityContext ?? {};
  yield* checkRange(at(path, "runAsUser"), context.runAsUser, 0, MAX_ID);
  yield* checkRange(at(path, "runAsGroup"), context.runAsGroup, 0, MAX_ID);
  yield* checkRange(at(path, "fsGroup"), context.fsGroup, 0, MAX_ID);
  for (const [index, group] of (context.supplementalGroups ?? []).entries()) {
    yield* checkRange(atIndex(at(path, "supplementalGroups"), index), group, 0, MAX_ID);
  }
  yield* checkOptionalChoice(at(path, "fsGroupChangePolicy"), context.fsGroupChangePolicy, [
    "OnRootMismatch",
    "Always",
  ]);
  yield* checkOptionalChoice(at(path, "supplementalGroupsPolicy"), context.supplementalGroupsPolicy, [
    "Merge",
    "Strict",
  ]);
  yield* validateSeccomp(context.seccompProfile, at(path, "seccompProfile"));
  yield* validateSysctls(context, at(path, "sysctls"));
  if (spec.shareProcessNamespace === true && spec.hostPID === true) {
    yield invalid(at(path, "shareProcessNamespace"), true, "ShareProcessNamespace and HostPID cannot both be enabled");
  }
}

/** A pod in the host's network has the host's ports: both numbers must be the same. */
export function* validateHostNetworkPorts(containers: readonly Container[], path: string): FieldErrors {
  for (const [index, container] of containers.entries()) {
    for (const [portIndex, port] of (container.ports ?? []).entries()) {
      if (port.hostPort === port.containerPort) continue;
      const portPath = atIndex(at(atIndex(path, index), "ports"), portIndex);
      yield invalid(
        at(portPath, "containerPort"),
        port.containerPort,
        "must match `hostPort` when `hostNetwork` is true",
      );
    }
  }
}

function* validateSeccomp(profile: SeccompProfile | undefined, path: string): FieldErrors {
  if (profile === undefined) return;
  const { type, localhostProfile } = profile;
  if (type === "") yield required(at(path, "type"));
  else if (!SECCOMP_TYPES.includes(type)) yield notSupported(at(path, "type"), type, SECCOMP_TYPES);
  const profilePath = at(path, "localhostProfile");
  if (type === "Localhost" && localhostProfile === undefined) {
    yield required(profilePath, "must be set when seccomp type is Localhost");
  } else if (localhostProfile !== undefined && type !== "Localhost") {
    yield invalid(profilePath, localhostProfile, "can only be set when seccomp type is Localhost");
  } else if (localhostProfile !== undefined) {
    for (const fault of descendingPathFaults(localhostProfile)) yield invalid(profilePath, localhostProfile, fault);
  }
}

const SECCOMP_TYPES = ["Localhost", "RuntimeDefault", "Unconfined"];

/** A path that stays inside the directory it is relative to. */
export function descendingPathFaults(path: string): Faults {
  const absolute = path.startsWith("/") ? ["must be a relative path"] : [];
  return path.split("/").includes("..") ? [...absolute, "must not contain '..'"] : absolute;
}

function* validateSysctls(context: PodSecurityContext, path: string): FieldErrors {
  const seen = new Set<string>();
  for (const [index, { name = "" }] of (context.sysctls ?? []).entries()) {
    const namePath = at(atIndex(path, index), "name");
    if (name === "") yield required(namePath);
    else if (name.length > 253 || !SYSCTL_NAME.test(name)) yield invalid(namePath, name, SYSCTL_TEXT);
    else if (seen.has(name)) yield duplicate(namePath, name);
    seen.add(name);
  }
}

const SYSCTL_SEGMENT = "[a-z0-9](?:[-_a-z0-9]*[a-z0-9])?";
const SYSCTL_NAME = new RegExp(`^(?:${SYSCTL_SEGMENT}[./])*${SYSCTL_SEGMENT}$`);
const SYSCTL_TEXT =
  "must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";

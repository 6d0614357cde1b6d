import type { Container, ContainerPort, EphemeralContainer, PodSpec, VolumeMount } from "../core-v1.gen.ts";
import {
  at,
  atIndex,
  duplicate,
  type FieldError,
  forbidden,
  invalid,
  notFound,
  required,
  tooMany,
} from "../field-error.ts";
import {
  checkChoice,
  checkOptionalChoice,
  checkRange,
  checkRequiredText,
  checkText,
  type FieldErrors,
} from "./checks.ts";
import { validateEnv, validateEnvFrom } from "./env.ts";
import { validateLifecycleHandler, validateProbe } from "./handler.ts";
import { dnsLabelFaults, portNameFaults, portNumberFaults } from "./names.ts";
import { validateResources } from "./resources.ts";
import { descendingPathFaults, validateSecurityContext } from "./security-context.ts";
import { PULL_POLICIES } from "./volume.ts";

/** Checks all containers of a pod: regular, init and ephemeral ones. */
export function* validateContainers(spec: PodSpec, path: string): FieldErrors {
  const names = new Set<string>();
  const containers = spec.containers ?? [];
  if (containers.length === 0) yield required(at(path, "containers"));
  for (const [index, container] of containers.entries()) {
    const containerPath = atIndex(at(path, "containers"), index);
    yield* validateCommon(container, { spec, path: containerPath, names });
    yield* validateHooks(container, spec, containerPath);
    yield* validateRestart(container, containerPath, RESTART_POLICIES);
  }
  yield* checkHostPorts(containers, at(path, "containers"));
  for (const [index, container] of (spec.initContainers ?? []).entries()) {
    yield* validateInit(container, { spec, path: atIndex(at(path, "initContainers"), index), names });
  }
  for (const [index, container] of (spec.ephemeralContainers ?? []).entries()) {
    yield* validateEphemeral(container, { spec, path: atIndex(at(path, "ephemeralContainers"), index), names });
  }
}

/** How a container, or all of a pod's, may be started again. */
export const RESTART_POLICIES = ["Always", "OnFailure", "Never"];

interface Scope {
  readonly spec: PodSpec;
  readonly path: string;
  /** Names of the containers seen so far. */
  readonly names: Set<string>;
}

function* validateCommon(container: Container | EphemeralContainer, { spec, path, names }: Scope): FieldErrors {
  yield* checkRequiredText(at(path, "name"), container.name, dnsLabelFaults);
  if (names.has(container.name)) yield duplicate(at(path, "name"), container.name);
  names.add(container.name);
  yield* validateImage(container.image ?? "", at(path, "image"));
  yield* checkOptionalChoice(at(path, "terminationMessagePolicy"), container.terminationMessagePolicy, [
    "FallbackToLogsOnError",
    "File",
  ]);
  yield* validatePorts(container.ports ?? [], at(path, "ports"));
  yield* validateEnv(container.env ?? [], at(path, "env"));
  yield* validateEnvFrom(container.envFrom ?? [], at(path, "envFrom"));
  yield* validateMounts(container.volumeMounts ?? [], spec, at(path, "volumeMounts"));
  yield* checkChoice(at(path, "imagePullPolicy"), container.imagePullPolicy, PULL_POLICIES);
  if (container.resources !== undefined) yield* validateResources(container.resources, at(path, "resources"));
  if (container.securityContext !== undefined) {
    yield* validateSecurityContext(container.securityContext, at(path, "securityContext"));
  }
}

function* validateImage(image: string, path: string): FieldErrors {
  if (image === "") yield required(path);
  else if (image.trim() !== image) yield invalid(path, image, "must not have leading or trailing whitespace");
}

function* validatePorts(ports: readonly ContainerPort[], path: string): FieldErrors {
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const portPath = atIndex(path, index);
    if (port.name !== undefined) {
      yield* checkText(at(portPath, "name"), port.name, portNameFaults);
      if (names.has(port.name)) yield duplicate(at(portPath, "name"), port.name);
      names.add(port.name);
    }
    if ((port.containerPort ?? 0) === 0) yield required(at(portPath, "containerPort"));
    else yield* checkPortNumber(port.containerPort, at(portPath, "containerPort"));
    if (port.hostPort !== undefined && port.hostPort !== 0)
      yield* checkPortNumber(port.hostPort, at(portPath, "hostPort"));
    yield* checkChoice(at(portPath, "protocol"), port.protocol, ["SCTP", "TCP", "UDP"]);
  }
}

function* checkPortNumber(port: number, path: string): FieldErrors {
  for (const fault of portNumberFaults(port)) yield invalid(path, port, fault);
}

/** No two containers of a pod may want the same port of the host. */
function* checkHostPorts(containers: readonly Container[], path: string): FieldErrors {
  const taken = new Set<string>();
  for (const [index, container] of containers.entries()) {
    for (const [portIndex, port] of (container.ports ?? []).entries()) {
      if (port.hostPort === undefined || port.hostPort === 0) continue;
      const key = `${port.protocol}/${port.hostIP ?? ""}/${port.hostPort}`;
      const portPath = atIndex(at(atIndex(path, index), "ports"), portIndex);
      if (taken.has(key)) yield duplicate(at(portPath, "hostPort"), key);
      taken.add(key);
    }
  }
}

function* validateMounts(mounts: readonly VolumeMount[], spec: PodSpec, path: string): FieldErrors {
  const volumes = new Set((spec.volumes ?? []).map((volume) => volume.name));
  const mountPaths = new Set<string>();
  for (const [index, mount] of mounts.entries()) {
    const mountPath = atIndex(path, index);
    if ((mount.name ?? "") === "") yield required(at(mountPath, "name"));
    else if (!volumes.has(mount.name)) yield notFound(at(mountPath, "name"), mount.name);
    if ((mount.mountPath ?? "") === "") yield required(at(mountPath, "mountPath"));
    else if (mountPaths.has(mount.mountPath))
      yield invalid(at(mountPath, "mountPath"), mount.mountPath, "must be unique");
    mountPaths.add(mount.mountPath);
    yield* validateSubPaths(mount, mountPath);
    yield* checkOptionalChoice(at(mountPath, "mountPropagation"), mount.mountPropagation, [
      "Bidirectional",
      "HostToContainer",
      "None",
    ]);
  }
}

function* validateSubPaths(mount: VolumeMount, path: string): FieldErrors {
  for (const field of ["subPath", "subPathExpr"] as const) {
    const value = mount[field] ?? "";
    for (const fault of descendingPathFaults(value)) yield invalid(at(path, field), value, fault);
  }
  if ((mount.subPath ?? "") !== "" && (mount.subPathExpr ?? "") !== "") {
    yield invalid(at(path, "subPathExpr"), mount.subPathExpr, "subPathExpr and subPath are mutually exclusive");
  }
}

function* validateHooks(container: Container, spec: PodSpec, path: string): FieldErrors {
  const grace = spec.terminationGracePeriodSeconds;
  const { lifecycle, livenessProbe, readinessProbe, startupProbe } = container;
  if (lifecycle?.postStart !== undefined) {
    yield* validateLifecycleHandler(lifecycle.postStart, at(path, "lifecycle", "postStart"), grace);
  }
  if (lifecycle?.preStop !== undefined) {
    yield* validateLifecycleHandler(lifecycle.preStop, at(path, "lifecycle", "preStop"), grace);
  }
  if (lifecycle?.stopSignal !== undefined && spec.os?.name === undefined) {
    yield forbidden(at(path, "lifecycle", "stopSignal"), "may not be set for containers with empty spec.os.name");
  }
  if (livenessProbe !== undefined) {
    yield* validateProbe(livenessProbe, at(path, "livenessProbe"));
    yield* mustBeOne(livenessProbe.successThreshold, at(path, "livenessProbe", "successThreshold"));
  }
  if (readinessProbe !== undefined) {
    yield* validateProbe(readinessProbe, at(path, "readinessProbe"));
    const seconds = readinessProbe.terminationGracePeriodSeconds;
    if (seconds !== undefined) {
      const field = at(path, "readinessProbe", "terminationGracePeriodSeconds");
      yield invalid(field, seconds, "must not be set for readinessProbes");
    }
  }
  if (startupProbe !== undefined) {
    yield* validateProbe(startupProbe, at(path, "startupProbe"));
    yield* mustBeOne(startupProbe.successThreshold, at(path, "startupProbe", "successThreshold"));
  }
}

function* mustBeOne(value: number | undefined, path: string): FieldErrors {
  if (value !== 1) yield invalid(path, value ?? 0, "must be 1");
}

function* validateRestart(container: Container, path: string, supported: readonly string[]): FieldErrors {
  yield* checkOptionalChoice(at(path, "restartPolicy"), container.restartPolicy, supported);
  const rules = container.restartPolicyRules ?? [];
  const rulesPath = at(path, "restartPolicyRules");
  if (rules.length > 20) {
    yield tooMany(rulesPath, rules.length, 20);
  }
  if (rules.length > 0 && container.restartPolicy === undefined) {
    yield required(at(path, "restartPolicy"), "must specify restartPolicy when restart rules are used");
  }
  for (const [index, rule] of rules.entries()) {
    const rulePath = atIndex(rulesPath, index);
    yield* checkChoice(at(rulePath, "action"), rule.action, ["Restart", "RestartAllContainers"]);
    if (rule.exitCodes === undefined) yield required(at(rulePath, "exitCodes"), "must be specified");
    else yield* checkChoice(at(rulePath, "exitCodes", "operator"), rule.exitCodes.operator, ["In", "NotIn"]);
  }
}

function* validateInit(container: Container, scope: Scope): FieldErrors {
  yield* validateCommon(container, scope);
  yield* validateRestart(container, scope.path, RESTART_POLICIES);
  if (container.restartPolicy === "Always") {
    yield* validateHooks(container, scope.spec, scope.path);
    return;
  }
  for (const field of ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const) {
    if (container[field] === undefined) continue;
    yield forbidden(at(scope.path, field), "may not be set for init containers without restartPolicy=Always");
  }
}

function* validateEphemeral(container: EphemeralContainer, scope: Scope): FieldErrors {
  yield* validateCommon(container, scope);
  for (const field of FORBIDDEN_IN_EPHEMERAL) {
    if (container[field] !== undefined) yield notForEphemeral(at(scope.path, field));
  }
  const target = container.targetContainerName ?? "";
  const names = [...(scope.spec.containers ?? []), ...(scope.spec.initContainers ?? [])].map(({ name }) => name);
  if (target !== "" && !names.includes(target)) yield notFound(at(scope.path, "targetContainerName"), target);
}

const FORBIDDEN_IN_EPHEMERAL = [
  "ports",
  "livenessProbe",
  "readinessProbe",
  "startupProbe",
  "lifecycle",
  "resources",
  "resizePolicy",
  "restartPolicy",
] as const satisfies readonly (keyof EphemeralContainer)[];

function notForEphemeral(path: string): FieldError {
  return forbidden(path, "cannot be set for an Ephemeral Container");
}

/** Checks how long a pod may run. */
export function* validateActiveDeadline(seconds: number | undefined, path: string): FieldErrors {
  yield* checkRange(path, seconds, 1, 2_147_483_647);
}

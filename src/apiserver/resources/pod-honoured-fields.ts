import type { Container, PodSecurityContext, PodSpec, SecurityContext } from "../../api/core-v1.gen.ts";
import { type FieldError, forbidden } from "../../api/field-error.ts";

/** Returns a text for each field of a pod that this version's node reads and does nothing about. */
export function unhonouredWarnings(spec: PodSpec): string[] {
  return [
    ...namesOf(spec, UNHONOURED_POD_FIELDS).map(([name, effect]) => `spec.${name}: ${effect}`),
    ...affinityWarnings(spec),
    ...containersOf(spec).flatMap(([path, container]) =>
      namesOf(container, UNHONOURED_CONTAINER_FIELDS).map(([name, effect]) => `${path}.${name}: ${effect}`),
    ),
  ];
}

/**
 * Returns an error for each field of a pod that promises isolation which this version's node does not give: to run the pod without it
 * would be to break that promise in silence.
 */
export function unhonouredSecurity(spec: PodSpec): FieldError[] {
  const pod = spec.securityContext ?? {};
  return [
    ...(spec.hostUsers === false ? [refuse("spec.hostUsers", "user namespaces")] : []),
    ...(spec.shareProcessNamespace === true
      ? [refuse("spec.shareProcessNamespace", "a shared process namespace")]
      : []),
    ...(spec.runtimeClassName === undefined ? [] : [refuse("spec.runtimeClassName", "a choice of the runtime")]),
    ...(pod.supplementalGroupsPolicy === "Strict"
      ? [refuse("spec.securityContext.supplementalGroupsPolicy", "groups other than the image's")]
      : []),
    ...labelErrors("spec.securityContext", pod),
    ...containersOf(spec).flatMap(([path, { securityContext = {} }]) =>
      labelErrors(`${path}.securityContext`, securityContext),
    ),
  ];
}

type FieldEffects<T> = Partial<Record<keyof T, string>>;

const UNHONOURED_POD_FIELDS: FieldEffects<PodSpec> = {
  priorityClassName: "priorities are not honoured yet; the pod waits for its turn like any other",
  topologySpreadConstraints: "spreading is not honoured yet; the pod runs on any node that fits",
  setHostnameAsFQDN: "not honoured yet; the host name stays without its domain",
};

const NO_PROBES = "probes are not run yet; the container counts as";

const UNHONOURED_CONTAINER_FIELDS: FieldEffects<Container> = {
  livenessProbe: `${NO_PROBES} alive while it runs`,
  readinessProbe: `${NO_PROBES} ready while it runs`,
  startupProbe: `${NO_PROBES} started when it runs`,
  restartPolicyRules: "not honoured yet; the restart policy alone decides",
  volumeDevices: "block devices are not supported; none will be there",
};

function affinityWarnings({ affinity }: PodSpec): string[] {
  const fields = [
    ["podAffinity", affinity?.podAffinity],
    ["podAntiAffinity", affinity?.podAntiAffinity],
  ] as const;
  return fields.flatMap(([name, value]) =>
    value === undefined ? [] : [`spec.affinity.${name}: not honoured yet; the pod runs on any node that fits`],
  );
}

function namesOf<T extends object>(object: T, effects: FieldEffects<T>): [string, string][] {
  const names = Object.keys(effects) as (keyof T & string)[];
  return names.flatMap((name) => (isSet(object[name]) ? [[name, effects[name] ?? ""]] : []));
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
}

function containersOf(spec: PodSpec): [string, Container][] {
  const paths = (list: string, containers: readonly Container[] = []) =>
    containers.map((container, index): [string, Container] => [`spec.${list}[${index}]`, container]);
  return [...paths("initContainers", spec.initContainers), ...paths("containers", spec.containers)];
}

function labelErrors(path: string, context: SecurityContext | PodSecurityContext): FieldError[] {
  const hasLabels = Object.values(context.seLinuxOptions ?? {}).some((value) => value !== undefined && value !== "");
  return [
    ...(hasLabels ? [refuse(`${path}.seLinuxOptions`, "SELinux labels")] : []),
    ...(context.appArmorProfile?.type === "Localhost" ? [refuse(`${path}.appArmorProfile`, "AppArmor profiles")] : []),
  ];
}

function refuse(path: string, what: string): FieldError {
  return forbidden(path, `this version's nodes do not have ${what}, and do not run a pod without what it asks for`);
}

import { isIP } from "node:net";
import type { Pod, PodDNSConfig, PodSpec } from "../core-v1.gen.ts";
import { at, atIndex, forbidden, invalid, required } from "../field-error.ts";
import {
  checkChoice,
  checkNonNegative,
  checkOptionalChoice,
  checkRequiredText,
  checkText,
  type FieldErrors,
} from "./checks.ts";
import { RESTART_POLICIES, validateActiveDeadline, validateContainers } from "./container.ts";
import { dnsLabelFaults, dnsSubdomainFaults } from "./names.ts";
import { validateScheduling } from "./scheduling.ts";
import { validateHostNetworkPorts, validatePodSecurityContext } from "./security-context.ts";
import { validateVolumes } from "./volume.ts";

/** Checks a new pod, after its defaults. */
export function* validatePod(pod: Pod): FieldErrors {
  yield* validatePodSpec(pod.spec ?? { containers: [] }, "spec");
  if ((pod.spec?.ephemeralContainers ?? []).length > 0) {
    yield forbidden("spec.ephemeralContainers", "cannot be set on create");
  }
}

/** Checks a pod spec, also one inside a template. */
export function* validatePodSpec(spec: PodSpec, path: string): FieldErrors {
  yield* validateVolumes(spec.volumes ?? [], at(path, "volumes"));
  yield* validateContainers(spec, path);
  yield* checkChoice(at(path, "restartPolicy"), spec.restartPolicy, RESTART_POLICIES);
  yield* checkChoice(at(path, "dnsPolicy"), spec.dnsPolicy, DNS_POLICIES);
  yield* validateScheduling(spec, path);
  yield* validatePodSecurityContext(spec, at(path, "securityContext"));
  if (spec.hostNetwork === true) yield* validateHostNetworkPorts(spec.containers ?? [], at(path, "containers"));
  yield* validateNames(spec, path);
  yield* validateDns(spec, at(path, "dnsConfig"));
  yield* validateHostAliases(spec, at(path, "hostAliases"));
  yield* validateActiveDeadline(spec.activeDeadlineSeconds, at(path, "activeDeadlineSeconds"));
  yield* checkNonNegative(at(path, "terminationGracePeriodSeconds"), spec.terminationGracePeriodSeconds);
  yield* checkOptionalChoice(at(path, "preemptionPolicy"), spec.preemptionPolicy, ["Never", "PreemptLowerPriority"]);
  if (spec.os !== undefined) yield* checkChoice(at(path, "os", "name"), spec.os.name, ["linux", "windows"]);
}

const DNS_POLICIES = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"];
const MAX_NAMESERVERS = 3;

function* validateNames(spec: PodSpec, path: string): FieldErrors {
  const subdomains = ["serviceAccountName", "nodeName", "priorityClassName", "runtimeClassName"] as const;
  for (const field of subdomains) {
    const name = spec[field] ?? "";
    if (name !== "") yield* checkText(at(path, field), name, dnsSubdomainFaults);
  }
  for (const field of ["hostname", "subdomain"] as const) {
    const name = spec[field] ?? "";
    if (name !== "") yield* checkText(at(path, field), name, dnsLabelFaults);
  }
  yield* checkRequiredText(at(path, "schedulerName"), spec.schedulerName);
}

function* validateDns(spec: PodSpec, path: string): FieldErrors {
  const config: PodDNSConfig = spec.dnsConfig ?? {};
  const { nameservers = [], searches = [] } = config;
  if (spec.dnsPolicy === "None" && nameservers.length === 0) {
    yield required(at(path, "nameservers"), "must provide at least one DNS nameserver when `dnsPolicy` is None");
  }
  if (nameservers.length > MAX_NAMESERVERS) {
    yield invalid(at(path, "nameservers"), nameservers, `must not have more than ${MAX_NAMESERVERS} nameservers`);
  }
  for (const [index, server] of nameservers.entries()) {
    if (isIP(server) === 0) yield notAnAddress(atIndex(at(path, "nameservers"), index), server);
  }
  if (searches.length > 32) yield invalid(at(path, "searches"), searches, "must not have more than 32 search paths");
  for (const [index, option] of (config.options ?? []).entries()) {
    if ((option.name ?? "") === "") yield required(atIndex(at(path, "options"), index), "must not be empty");
  }
}

function* validateHostAliases(spec: PodSpec, path: string): FieldErrors {
  for (const [index, alias] of (spec.hostAliases ?? []).entries()) {
    const aliasPath = atIndex(path, index);
    if (isIP(alias.ip ?? "") === 0) yield notAnAddress(at(aliasPath, "ip"), alias.ip);
    for (const [nameIndex, name] of (alias.hostnames ?? []).entries()) {
      yield* checkText(atIndex(at(aliasPath, "hostnames"), nameIndex), name, dnsSubdomainFaults);
    }
  }
}

function notAnAddress(path: string, value: string): ReturnType<typeof invalid> {
  return invalid(path, value, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
}

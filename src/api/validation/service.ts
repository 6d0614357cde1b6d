import type { Service, ServicePort, ServiceSpec } from "../core-v1.gen.ts";
import { at, atIndex, duplicate, forbidden, invalid, required } from "../field-error.ts";
import {
  checkChoice,
  checkOptionalChoice,
  checkRange,
  checkRequiredText,
  checkText,
  type FieldErrors,
} from "./checks.ts";
import {
  dnsLabelFaults,
  dnsSubdomainFaults,
  labelKeyFaults,
  labelValueFaults,
  portNameFaults,
  portNumberFaults,
} from "./names.ts";

const TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"] as const;
const PROTOCOLS = ["SCTP", "TCP", "UDP"] as const;
const AFFINITIES = ["ClientIP", "None"] as const;
const POLICIES = ["Cluster", "Local"] as const;
const MAX_AFFINITY_SECONDS = 86_400;

/** Checks a service with its defaults and addresses. */
export function* validateService({ spec = {} }: Service): FieldErrors {
  yield* checkChoice("spec.type", spec.type, TYPES);
  const isExternal = spec.type === "ExternalName";
  const isHeadless = spec.clusterIP === "None";
  if (!isExternal && !isHeadless && (spec.ports ?? []).length === 0) yield required("spec.ports");
  if (isHeadless && (spec.type === "NodePort" || spec.type === "LoadBalancer")) {
    yield invalid("spec.clusterIPs[0]", "None", `may not be set to 'None' for ${spec.type} services`);
  }
  if (isExternal) yield* validateExternalName(spec);
  yield* checkChoice("spec.sessionAffinity", spec.sessionAffinity, AFFINITIES);
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  yield* checkRange("spec.sessionAffinityConfig.clientIP.timeoutSeconds", seconds, 1, MAX_AFFINITY_SECONDS);
  yield* checkOptionalChoice("spec.internalTrafficPolicy", spec.internalTrafficPolicy, POLICIES);
  yield* checkOptionalChoice("spec.externalTrafficPolicy", spec.externalTrafficPolicy, POLICIES);
  for (const [key, value] of Object.entries(spec.selector ?? {})) {
    yield* checkText("spec.selector", key, labelKeyFaults);
    yield* checkText("spec.selector", value, labelValueFaults);
  }
  yield* validatePorts(spec.ports ?? []);
}

/** Checks a change of a service: its address stays. */
export function* validateServiceUpdate(service: Service, before: Service): FieldErrors {
  yield* validateService(service);
  const was = before.spec?.clusterIP ?? "";
  const is = service.spec?.clusterIP ?? "";
  const keepsKind = service.spec?.type !== "ExternalName" && before.spec?.type !== "ExternalName";
  if (keepsKind && was !== "" && was !== is) {
    yield invalid("spec.clusterIPs[0]", service.spec?.clusterIPs, "may not change once set");
  }
}

function* validateExternalName({ externalName, clusterIP = "" }: ServiceSpec): FieldErrors {
  if (clusterIP !== "") yield forbidden("spec.clusterIPs[0]", "may not be set for ExternalName services");
  // RFC 1123 leaves a final dot to whoever looks the name up.
  yield* checkRequiredText("spec.externalName", externalName?.replace(/\.$/, ""), dnsSubdomainFaults);
}

function* validatePorts(ports: readonly ServicePort[]): FieldErrors {
  const names = new Set<string>();
  const numbers = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const path = atIndex("spec.ports", index);
    yield* validatePort(path, port, ports.length > 1);
    const { name = "", protocol = "" } = port;
    if (name !== "" && names.has(name)) yield duplicate(at(path, "name"), name);
    names.add(name);
    const number = `${protocol}/${port.port}`;
    if (numbers.has(number)) yield duplicate(path, { protocol, port: port.port });
    numbers.add(number);
  }
}

function* validatePort(path: string, port: ServicePort, needsName: boolean): FieldErrors {
  const { name = "", targetPort } = port;
  if (name !== "") yield* checkText(at(path, "name"), name, dnsLabelFaults);
  else if (needsName) yield required(at(path, "name"));
  for (const fault of portNumberFaults(port.port)) yield invalid(at(path, "port"), port.port, fault);
  yield* checkChoice(at(path, "protocol"), port.protocol, PROTOCOLS);
  if (typeof targetPort === "string") yield* checkText(at(path, "targetPort"), targetPort, portNameFaults);
  else if (targetPort !== undefined) {
    for (const fault of portNumberFaults(targetPort)) yield invalid(at(path, "targetPort"), targetPort, fault);
  }
}

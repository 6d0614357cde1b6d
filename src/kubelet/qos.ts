import type { Container, PodSpec } from "../api/core-v1.gen.ts";
import { compareQuantities, quantityValue } from "../api/quantity.ts";

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

/** Returns the quality-of-service class that a pod's requests and limits of CPU and memory give it. */
export function qosClassOf(spec: PodSpec): QosClass {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  if (containers.every((container) => COMPUTE.every((name) => !isSet(container, name)))) return "BestEffort";
  return containers.every(isGuaranteed) ? "Guaranteed" : "Burstable";
}

const COMPUTE = ["cpu", "memory"] as const;

function isSet({ resources }: Container, name: string): boolean {
  return isPositive(resources?.requests?.[name]) || isPositive(resources?.limits?.[name]);
}

function isGuaranteed({ resources }: Container): boolean {
  return COMPUTE.every((name) => {
    const limit = resources?.limits?.[name];
    if (limit === undefined || !isPositive(limit)) return false;
    const request = resources?.requests?.[name];
    return request === undefined || compareQuantities(request, limit) === 0;
  });
}

function isPositive(quantity: string | undefined): boolean {
  return quantity !== undefined && quantityValue(quantity) > 0;
}

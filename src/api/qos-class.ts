import type { Container, PodSpec } from "./core-v1.gen.ts";
import { compareQuantities } from "./quantity.ts";

/** How a pod's resources are promised to it. */
export type QosClass = "BestEffort" | "Burstable" | "Guaranteed";

const COMPUTE_RESOURCES = ["cpu", "memory"] as const;

/** Returns the quality-of-service class that follows from the requests and limits of a pod's containers. */
export function qosClassOf(spec: PodSpec | undefined): QosClass {
  const containers: readonly Container[] = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  const asks = containers.some(({ resources }) =>
    COMPUTE_RESOURCES.some((name) => isPositive(resources?.requests?.[name]) || isPositive(resources?.limits?.[name])),
  );
  if (!asks) return "BestEffort";
  return containers.every(isGuaranteed) ? "Guaranteed" : "Burstable";
}

function isGuaranteed({ resources }: Container): boolean {
  return COMPUTE_RESOURCES.every((name) => {
    const limit = resources?.limits?.[name];
    const request = resources?.requests?.[name] ?? limit;
    return isPositive(limit) && request !== undefined && compareQuantities(request, limit) === 0;
  });
}

function isPositive(quantity: string | undefined): quantity is string {
  return quantity !== undefined && compareQuantities(quantity, "0") > 0;
}

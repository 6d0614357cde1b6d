import type { Container, Pod, PodSpec, ResourceRequirements } from "../api/core-v1.gen.ts";
import { quantityMilliValue, quantityValue } from "../api/quantity.ts";

/** Amounts by resource name: millicores of CPU, else whole units such as bytes. */
export type ResourceAmounts = ReadonlyMap<string, number>;

/**
 * Returns what a pod asks for: its regular and sidecar containers together, or where that is more the largest init container with
 * the sidecars started before it; plus the overhead. What the pod as a whole asks for takes the containers' place.
 */
export function podRequests(pod: Pod): ResourceAmounts {
  const { spec } = pod;
  if (spec === undefined) return new Map();
  const running = spec.containers.map(containerRequests).reduce(sum, NOTHING);
  const requests = overridden(initialRequests(spec, running), requestsOf(spec.resources));
  return sum(requests, amountsOf(spec.overhead));
}

/** Returns quantities as amounts. */
export function amountsOf(quantities: Readonly<Record<string, string>> | undefined): ResourceAmounts {
  return new Map(Object.entries(quantities ?? {}).map(([name, quantity]) => [name, amountOf(name, quantity)]));
}

function sum(a: ResourceAmounts, b: ResourceAmounts): ResourceAmounts {
  return combined(a, b, (x, y) => x + y);
}

function amountOf(name: string, quantity: string): number {
  return name === "cpu" ? quantityMilliValue(quantity) : quantityValue(quantity);
}

const NOTHING: ResourceAmounts = new Map();

function initialRequests(spec: PodSpec, running: ResourceAmounts): ResourceAmounts {
  let sidecars = NOTHING;
  let peak = NOTHING;
  for (const container of spec.initContainers ?? []) {
    const requests = containerRequests(container);
    if (container.restartPolicy === "Always") sidecars = sum(sidecars, requests);
    else peak = maximum(peak, sum(sidecars, requests));
  }
  return maximum(peak, sum(running, sidecars));
}

function containerRequests(container: Container): ResourceAmounts {
  return requestsOf(container.resources);
}

function requestsOf(resources: ResourceRequirements | undefined): ResourceAmounts {
  return amountsOf(resources?.requests);
}

function maximum(a: ResourceAmounts, b: ResourceAmounts): ResourceAmounts {
  return combined(a, b, Math.max);
}

function overridden(amounts: ResourceAmounts, by: ResourceAmounts): ResourceAmounts {
  return new Map([...amounts, ...by]);
}

function combined(a: ResourceAmounts, b: ResourceAmounts, combine: (x: number, y: number) => number): ResourceAmounts {
  if (b.size === 0) return a;
  const result = new Map(a);
  for (const [name, amount] of b) result.set(name, combine(result.get(name) ?? 0, amount));
  return result;
}

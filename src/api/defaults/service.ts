import type { Service } from "../core-v1.gen.ts";

const AFFINITY_SECONDS = 10_800;

/** Fills in what a service leaves out, but for its addresses, which the server hands out. */
export function defaultService(service: Service): void {
  const spec = (service.spec ??= {});
  service.status ??= { loadBalancer: {} };
  spec.sessionAffinity ??= "None";
  if (spec.sessionAffinity === "ClientIP")
    spec.sessionAffinityConfig ??= { clientIP: { timeoutSeconds: AFFINITY_SECONDS } };
  spec.type ??= "ClusterIP";
  for (const port of spec.ports ?? []) {
    port.protocol ??= "TCP";
    port.targetPort =
      port.targetPort === undefined || port.targetPort === "" || port.targetPort === 0 ? port.port : port.targetPort;
  }
  const isReachedFromOutside = spec.type === "NodePort" || spec.type === "LoadBalancer";
  if (isReachedFromOutside) spec.externalTrafficPolicy ??= "Cluster";
  if (spec.type === "LoadBalancer") spec.allocateLoadBalancerNodePorts ??= true;
  if (spec.type !== "ExternalName") spec.internalTrafficPolicy ??= "Cluster";
}

import type { Pod } from "../api/core-v1.gen.ts";

/** A port of the host that a container takes. */
export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

/** Returns the host's ports that a pod's regular and sidecar containers take. */
export function hostPortsOf(pod: Pod): readonly HostPort[] {
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === "Always");
  return [...(pod.spec?.containers ?? []), ...sidecars].flatMap((container) =>
    (container.ports ?? []).flatMap(({ hostPort = 0, hostIP, protocol = "TCP" }) =>
      hostPort > 0 ? [{ ip: hostIP ?? ANY_ADDRESS, protocol, port: hostPort }] : [],
    ),
  );
}

/** Whether two ports cannot both be taken: same protocol and port, and an address in common. */
export function areInConflict(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port || a.protocol !== b.protocol) return false;
  return a.ip === b.ip || a.ip === ANY_ADDRESS || b.ip === ANY_ADDRESS;
}

const ANY_ADDRESS = "0.0.0.0";

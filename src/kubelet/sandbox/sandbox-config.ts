import type { DnsConfig, PodSandboxConfig, PortMapping } from "../../cri/runtime-service.ts";
import { namespaceOptionsOf, seccompOf } from "../container/security-context.ts";
import { podResources } from "../container/resources.ts";
import type { NodePod } from "../node-pod.ts";
import { qosClassOf } from "../../api/qos-class.ts";
import { sandboxLabels } from "../runtime-labels.ts";

export interface SandboxRequest {
  readonly pod: NodePod;
  /** How many sandboxes the pod had before. */
  readonly attempt: number;
  readonly logDirectory: string;
  readonly nodeName: string;
  readonly dnsConfig: DnsConfig;
  readonly seccompDir: string;
}

/** Returns the configuration of a pod's sandbox. */
export function sandboxConfigOf(request: SandboxRequest): PodSandboxConfig {
  const { pod, attempt, logDirectory, nodeName, dnsConfig, seccompDir } = request;
  const { uid, namespace, name, spec } = pod;
  const sysctls = (spec.securityContext?.sysctls ?? []).map((sysctl) => [sysctl.name, sysctl.value] as const);
  return {
    metadata: { uid, namespace, name, attempt },
    hostname: hostnameOf(pod, nodeName),
    logDirectory,
    dnsConfig,
    portMappings: portMappingsOf(pod),
    labels: sandboxLabels(pod),
    annotations: pod.annotations,
    linux: {
      cgroupParent: cgroupParentOf(pod),
      sysctls: Object.fromEntries(sysctls),
      securityContext: {
        namespaceOptions: namespaceOptionsOf(spec),
        privileged: spec.containers.some(({ securityContext }) => securityContext?.privileged === true),
        seccomp: seccompOf(spec.securityContext?.seccompProfile, { seccompDir, privileged: false }),
      },
      resources: podResources(pod),
    },
  };
}

/** Returns the host name that a pod's processes see. */
export function hostnameOf({ name, spec }: NodePod, nodeName: string): string {
  if (spec.hostNetwork === true) return nodeName;
  const hostname = spec.hostnameOverride ?? spec.hostname ?? name;
  // The kernel takes 64, DNS labels have 63; what is cut must not end in a separator.
  return hostname.slice(0, 63).replace(/[-.]+$/, "");
}

/** Returns the pod's cgroup below the kubelet's: guaranteed pods at the top, the other classes in their own. */
export function cgroupParentOf({ uid, spec }: NodePod): string {
  const qos = qosClassOf(spec);
  return qos === "Guaranteed" ? `kubepods/pod${uid}` : `kubepods/${qos.toLowerCase()}/pod${uid}`;
}

function portMappingsOf({ spec }: NodePod): readonly PortMapping[] {
  // In the host's own network a port needs no mapping.
  if (spec.hostNetwork === true) return [];
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  return [...sidecars, ...spec.containers].flatMap(({ ports = [] }) =>
    ports.flatMap(({ containerPort, hostPort = 0, hostIP, protocol }) =>
      hostPort === 0
        ? []
        : [
            {
              containerPort,
              hostPort,
              protocol: protocolOf(protocol),
              ...(hostIP === undefined ? {} : { hostIp: hostIP }),
            },
          ],
    ),
  );
}

function protocolOf(protocol: string | undefined): PortMapping["protocol"] {
  return protocol === "UDP" || protocol === "SCTP" ? protocol : "TCP";
}

import { join } from "node:path";

import type { PodRef } from "./node-pod.ts";

/** Where a kubelet keeps what belongs to its pods: the layout that log shippers and CSI drivers know. */
export interface PodDirectories {
  /** Every pod's directory lies below it, named by uid. */
  readonly podsDir: string;
  podDir(pod: PodRef): string;
  volumeDir(pod: PodRef, plugin: VolumePlugin, name: string): string;
  hostsFile(pod: PodRef): string;
  /** Where termination message files of a container lie. */
  containerDir(pod: PodRef, containerName: string): string;
  /** Where `Localhost` seccomp profiles lie. */
  readonly seccompDir: string;
  /** Every pod's log directory lies below it. */
  readonly logsDir: string;
  logDir(pod: PodRef): string;
}

export type VolumePlugin = "empty-dir" | "configmap" | "secret" | "downward-api" | "projected";

/** Returns the layout below a kubelet's root directory and a logs directory. */
export function podDirectories(rootDir: string, logsDir: string): PodDirectories {
  const podsDir = join(rootDir, "pods");
  const podDir = ({ uid }: PodRef) => join(podsDir, uid);
  return {
    podsDir,
    podDir,
    volumeDir: (pod, plugin, name) => join(podDir(pod), "volumes", `kubernetes.io~${plugin}`, name),
    hostsFile: (pod) => join(podDir(pod), "etc-hosts"),
    containerDir: (pod, containerName) => join(podDir(pod), "containers", containerName),
    seccompDir: join(rootDir, "seccomp"),
    logsDir,
    logDir: (pod) => join(logsDir, `${pod.namespace}_${pod.name}_${pod.uid}`),
  };
}

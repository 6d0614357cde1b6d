import type { RegistryOptions } from "./registry-options.ts";

/** How a cluster is to run: what the flags of `berth up` and `berth server` say. */
export interface ClusterOptions {
  /** Whether this machine runs pods; without it there is the API alone and no privilege is needed. */
  readonly node: boolean;
  /** Name of the Node object; the host's name where absent. */
  readonly nodeName?: string | undefined;
  /** Shown as ExternalIP of the node. */
  readonly nodeExternalIp?: string | undefined;
  /** Admission plugins beyond those that are always on. */
  readonly admissionPlugins: readonly string[];
  /** More log lines: 0 for what matters, 1 and above for debugging. */
  readonly verbosity: number;
  /** Whether registry credentials of the host (docker and kubelet configuration files) may be used. */
  readonly hostCredentials: boolean;
  /** Where images are asked for; each registry itself and it alone where absent. */
  readonly registries?: RegistryOptions | undefined;
  /** A `KubeletConfiguration` file with settings of the node; none where absent. */
  readonly kubeletConfig?: string | undefined;
}

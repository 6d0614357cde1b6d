import type { Taint } from "../api/core-v1.gen.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Secret } from "../base/secret.ts";
import type { RestClient } from "../client/rest-client.ts";
import type { NodeFile } from "../credentials/node-files.ts";
import type { ImageService, PullTraceService } from "../cri/image-service.ts";
import type { RuntimeService } from "../cri/runtime-service.ts";
import type { ImageGarbagePolicy } from "./image-gc/image-garbage-policy.ts";
import type { HostInfo } from "./node/host-info.ts";

/** What a kubelet is made of. */
export interface KubeletOptions {
  readonly client: RestClient;
  readonly runtime: RuntimeService;
  readonly images: ImageService & Partial<PullTraceService>;
  readonly nodeName: string;
  /** Where the kubelet keeps what belongs to its pods. */
  readonly rootDir: string;
  /** Where container logs go, e.g. `/var/log/pods`. */
  readonly logsDir: string;
  /** The node's address; a second one may be of the other family. */
  readonly nodeIps: readonly string[];
  /** Where the kubelet's own server listens; port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** PEM: the server's certificate and key, and the authority that its clients must be certified by. */
  readonly serving: { readonly certificate: string; readonly key: Secret };
  readonly clientCa: string;
  readonly config?: KubeletConfig;
  /** What the machine is; read from it by default. */
  readonly hostInfo?: HostInfo;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/** The kubelet's settings, named as in `KubeletConfiguration`; each has the default told. */
export interface KubeletConfig {
  /** 110. */
  readonly maxPods?: number;
  /** Addresses of the cluster's name servers. None: pods ask the host's. */
  readonly clusterDns?: readonly string[];
  /** `cluster.local`. */
  readonly clusterDomain?: string;
  /** The host's `resolv.conf`, found by default. */
  readonly resolvConf?: string;
  /** A directory of static pods; none by default. */
  readonly staticPodPath?: string;
  readonly nodeLabels?: Readonly<Record<string, string>>;
  readonly registerWithTaints?: readonly Taint[];
  readonly externalIp?: string;
  /** The range of pod addresses; what the node's object says by default. */
  readonly podCidr?: string;
  /** 50. */
  readonly nodeStatusMaxImages?: number;
  /** Whether images are pulled one at a time; false. */
  readonly serializeImagePulls?: boolean;
  /** Pulls at the same time; any number by default. */
  readonly maxParallelImagePulls?: number;
  /** Pulls begun in a second; more wait. 0, any number, by default. */
  readonly registryPullQPS?: number;
  /** Pulls that may begin at once under `registryPullQPS`; 10. */
  readonly registryBurst?: number;
  readonly imageGarbage?: Partial<ImageGarbagePolicy>;
  /** Where credentials of the node are looked for; nowhere by default. */
  readonly credentialFiles?: readonly NodeFile[];
}

/** How many pods a node takes where its configuration does not say. */
export const DEFAULT_MAX_PODS = 110;

/** How many pulls may begin at once where their rate is limited. */
export const DEFAULT_REGISTRY_BURST = 10;

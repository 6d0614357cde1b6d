import type { Duplex, Readable, Writable } from "node:stream";

import type { ImageSpec } from "./image-spec.ts";

/**
 * CRI v1 `RuntimeService`: sandboxes and containers of one node. Field names are the protocol's in lower camel case.
 * Every verb is idempotent as CRI demands: stopping or removing what is stopped or gone succeeds. Errors are `CriError`.
 */
export interface RuntimeService {
  version(): Promise<VersionInfo>;
  status(): Promise<RuntimeStatus>;
  /** Sets the pod range of this node; the network becomes ready when the range is known. */
  updateRuntimeConfig(config: { readonly podCidr: string }): Promise<void>;

  /** Creates and starts a sandbox; on return its network is up. Returns its id. */
  runPodSandbox(config: PodSandboxConfig, runtimeHandler?: string, signal?: AbortSignal): Promise<string>;
  /** Kills what still runs in the sandbox and gives its network back. */
  stopPodSandbox(podSandboxId: string): Promise<void>;
  /** Removes the sandbox and its containers by force. */
  removePodSandbox(podSandboxId: string): Promise<void>;
  podSandboxStatus(podSandboxId: string): Promise<PodSandboxStatus>;
  listPodSandbox(filter?: PodSandboxFilter): Promise<PodSandbox[]>;

  /** Creates a container in a sandbox from an image that is present. Returns its id. */
  createContainer(
    podSandboxId: string,
    config: ContainerConfig,
    sandboxConfig: PodSandboxConfig,
    signal?: AbortSignal,
  ): Promise<string>;
  startContainer(containerId: string): Promise<void>;
  /** Sends the stop signal, waits `timeoutSeconds`, then kills. Resolves when the container has ended. */
  stopContainer(containerId: string, timeoutSeconds: number): Promise<void>;
  /** Removes a container by force, its log left to the caller. */
  removeContainer(containerId: string): Promise<void>;
  listContainers(filter?: ContainerFilter): Promise<Container[]>;
  containerStatus(containerId: string): Promise<ContainerStatus>;
  updateContainerResources(containerId: string, resources: LinuxContainerResources): Promise<void>;
  /** Makes the runtime write to the container's log path anew, after it was rotated. */
  reopenContainerLog(containerId: string): Promise<void>;

  /** Runs a command to its end and collects at most 16 MiB of each stream. Past `timeoutSeconds` (0 = none) it is killed. */
  execSync(containerId: string, command: readonly string[], timeoutSeconds: number): Promise<ExecSyncResult>;
  /** Runs a command attached to `streams`; resolves with its exit code. */
  exec(request: ExecRequest, streams: ContainerStreams, signal?: AbortSignal): Promise<number>;
  /** Attaches `streams` to the container's own process; resolves when it ends or the client goes. */
  attach(request: AttachRequest, streams: ContainerStreams, signal?: AbortSignal): Promise<void>;
  /** Connects a stream to a TCP port on the sandbox's loopback interface. */
  portForward(podSandboxId: string, port: number, stream: Duplex, signal?: AbortSignal): Promise<void>;

  containerStats(containerId: string): Promise<ContainerStats>;
  listContainerStats(filter?: ContainerFilter): Promise<ContainerStats[]>;

  /** State changes from the moment of the call on; ends when `signal` aborts. */
  getContainerEvents(signal: AbortSignal): AsyncIterable<ContainerEvent>;
}

export interface VersionInfo {
  /** CRI version, `0.1.0`. */
  readonly version: string;
  readonly runtimeName: string;
  readonly runtimeVersion: string;
  readonly runtimeApiVersion: string;
}

export interface RuntimeCondition {
  readonly type: "RuntimeReady" | "NetworkReady";
  readonly status: boolean;
  readonly reason: string;
  readonly message: string;
}

export interface RuntimeStatus {
  readonly conditions: readonly RuntimeCondition[];
}

export interface PodSandboxMetadata {
  readonly name: string;
  readonly uid: string;
  readonly namespace: string;
  readonly attempt: number;
}

export type Protocol = "TCP" | "UDP" | "SCTP";

export interface PortMapping {
  readonly protocol: Protocol;
  readonly containerPort: number;
  readonly hostPort: number;
  readonly hostIp?: string;
}

export interface DnsConfig {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export type NamespaceMode = "POD" | "CONTAINER" | "NODE" | "TARGET";

export interface NamespaceOption {
  readonly network: NamespaceMode;
  readonly pid: NamespaceMode;
  readonly ipc: NamespaceMode;
  readonly targetId?: string;
}

export interface SecurityProfile {
  readonly profileType: "RuntimeDefault" | "Unconfined" | "Localhost";
  readonly localhostRef?: string;
}

export interface PodSandboxConfig {
  readonly metadata: PodSandboxMetadata;
  readonly hostname: string;
  /** Directory on the host that container log paths are relative to. */
  readonly logDirectory: string;
  readonly dnsConfig?: DnsConfig;
  readonly portMappings?: readonly PortMapping[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly linux: LinuxPodSandboxConfig;
}

export interface LinuxPodSandboxConfig {
  /** Parent cgroup of the pod, relative to the cgroup root. */
  readonly cgroupParent: string;
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly securityContext: {
    readonly namespaceOptions: NamespaceOption;
    readonly readonlyRootfs?: boolean;
    readonly privileged?: boolean;
    readonly seccomp?: SecurityProfile;
  };
  /** Sum of the containers' resources, for the pod's own cgroup. */
  readonly resources?: LinuxContainerResources;
}

export type PodSandboxState = "SANDBOX_READY" | "SANDBOX_NOTREADY";

export interface PodSandbox {
  readonly id: string;
  readonly metadata: PodSandboxMetadata;
  readonly state: PodSandboxState;
  /** Milliseconds since the epoch, as all times here. */
  readonly createdAt: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly runtimeHandler: string;
}

export interface PodSandboxStatus extends PodSandbox {
  readonly network: { readonly ip: string; readonly additionalIps: readonly string[] };
  readonly namespaces: NamespaceOption;
}

export interface PodSandboxFilter {
  readonly id?: string;
  readonly state?: PodSandboxState;
  readonly labelSelector?: Readonly<Record<string, string>>;
}

export interface ContainerMetadata {
  readonly name: string;
  readonly attempt: number;
}

export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

export interface Mount {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly readonly: boolean;
  readonly propagation?: "PRIVATE" | "HOST_TO_CONTAINER" | "BIDIRECTIONAL";
}

export interface Device {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly permissions: string;
}

export interface ContainerConfig {
  readonly metadata: ContainerMetadata;
  readonly image: ImageSpec;
  /** Replaces the image's entry point; with it empty, `args` replace the image's command. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDir: string;
  readonly envs: readonly KeyValue[];
  readonly mounts: readonly Mount[];
  readonly devices: readonly Device[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Relative to the sandbox's log directory. */
  readonly logPath: string;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  readonly linux: LinuxContainerConfig;
  /** Overrides the image's stop signal, e.g. `SIGUSR1`. */
  readonly stopSignal?: string;
}

export interface LinuxContainerConfig {
  readonly resources: LinuxContainerResources;
  readonly securityContext: LinuxContainerSecurityContext;
}

/** Zero or absent means no limit. */
export interface LinuxContainerResources {
  readonly cpuPeriod?: number;
  readonly cpuQuota?: number;
  readonly cpuShares?: number;
  readonly memoryLimitInBytes?: number;
  readonly oomScoreAdj?: number;
  readonly pidsLimit?: number;
}

export interface LinuxContainerSecurityContext {
  readonly capabilities?: { readonly addCapabilities: readonly string[]; readonly dropCapabilities: readonly string[] };
  readonly privileged: boolean;
  readonly namespaceOptions: NamespaceOption;
  readonly runAsUser?: number;
  readonly runAsUsername?: string;
  readonly runAsGroup?: number;
  readonly supplementalGroups?: readonly number[];
  readonly readonlyRootfs: boolean;
  readonly noNewPrivs: boolean;
  readonly seccomp: SecurityProfile;
  /** Absent means the runtime's default masks. */
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
}

export type ContainerState = "CONTAINER_CREATED" | "CONTAINER_RUNNING" | "CONTAINER_EXITED" | "CONTAINER_UNKNOWN";

export interface Container {
  readonly id: string;
  readonly podSandboxId: string;
  readonly metadata: ContainerMetadata;
  readonly image: ImageSpec;
  /** By digest where there is one: `repo@sha256:…`. */
  readonly imageRef: string;
  /** Id of the image config. */
  readonly imageId: string;
  readonly state: ContainerState;
  readonly createdAt: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface ContainerStatus extends Container {
  /** 0 where it has not happened. */
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly exitCode: number;
  /** `Completed`, `Error`, `OOMKilled`, `ContainerStatusUnknown` (ended with nobody to see how), or another CamelCase word. */
  readonly reason: string;
  readonly message: string;
  readonly mounts: readonly Mount[];
  /** Absolute path of the CRI-format log. */
  readonly logPath: string;
  /** First process, 0 when not running. */
  readonly pid: number;
  readonly stopSignal: string;
  readonly user?: { readonly uid: number; readonly gid: number; readonly supplementalGroups: readonly number[] };
}

export interface ContainerFilter {
  readonly id?: string;
  readonly state?: ContainerState;
  readonly podSandboxId?: string;
  readonly labelSelector?: Readonly<Record<string, string>>;
}

export interface ExecSyncResult {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly exitCode: number;
}

export interface ExecRequest {
  readonly containerId: string;
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

export interface AttachRequest {
  readonly containerId: string;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

export interface ContainerStreams {
  readonly stdin?: Readable;
  readonly stdout?: Writable;
  readonly stderr?: Writable;
  readonly resize?: AsyncIterable<TerminalSize>;
}

export interface ContainerStats {
  readonly containerId: string;
  readonly metadata: ContainerMetadata;
  readonly labels: Readonly<Record<string, string>>;
  readonly timestamp: number;
  readonly cpuUsageNanoseconds: number;
  readonly memoryWorkingSetBytes: number;
  readonly memoryUsageBytes: number;
  readonly writableLayerBytes: number;
}

export interface ContainerEvent {
  readonly containerId: string;
  readonly podSandboxId: string;
  readonly type:
    | "CONTAINER_CREATED_EVENT"
    | "CONTAINER_STARTED_EVENT"
    | "CONTAINER_STOPPED_EVENT"
    | "CONTAINER_DELETED_EVENT";
  readonly createdAt: number;
}

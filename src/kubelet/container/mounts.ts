import { randomBytes } from "node:crypto";
import { mkdir, open, realpath } from "node:fs/promises";
import { join } from "node:path";

import type { VolumeMount } from "../../api/core-v1.gen.ts";
import { writeFileAtomic } from "../../base/atomic-write.ts";
import type { Mount } from "../../cri/runtime-service.ts";
import { ContainerStartError } from "../container-start-error.ts";
import type { NodePod, PodContainer } from "../node-pod.ts";
import type { PodDirectories } from "../pod-directories.ts";
import type { PreparedVolume } from "../volumes/prepare-volumes.ts";
import { expandVariables } from "./expansion.ts";

export interface MountsRequest {
  readonly pod: NodePod;
  readonly container: PodContainer;
  readonly volumes: ReadonlyMap<string, PreparedVolume>;
  readonly directories: PodDirectories;
  /** Content of the pod's `/etc/hosts`. */
  readonly hostsFile: string;
  readonly variables: ReadonlyMap<string, string>;
}

/** Returns a container's mounts: its volumes, `/etc/hosts` and the file for its termination message. */
export async function containerMounts(request: MountsRequest): Promise<readonly Mount[]> {
  const { container } = request;
  const volumes = await Promise.all((container.spec.volumeMounts ?? []).map((mount) => volumeMount(mount, request)));
  const isTaken = (path: string) => volumes.some(({ containerPath }) => containerPath === path);
  const hosts = isTaken(HOSTS_PATH) ? [] : [await hostsMount(request)];
  const messagePath = container.spec.terminationMessagePath ?? "/dev/termination-log";
  const message = isTaken(messagePath) ? [] : [await terminationMessageMount(messagePath, request)];
  return [...volumes, ...hosts, ...message];
}

const HOSTS_PATH = "/etc/hosts";

async function volumeMount(mount: VolumeMount, request: MountsRequest): Promise<Mount> {
  const volume = request.volumes.get(mount.name);
  if (volume === undefined) {
    throw configError(`cannot find volume "${mount.name}" to mount into container "${request.container.spec.name}"`);
  }
  return {
    containerPath: mount.mountPath.startsWith("/") ? mount.mountPath : join("/", mount.mountPath),
    hostPath: await mountSource(mount, volume, request),
    readonly: mount.readOnly ?? false,
    propagation: PROPAGATIONS[mount.mountPropagation ?? "None"] ?? "PRIVATE",
  };
}

const PROPAGATIONS: Readonly<Record<string, NonNullable<Mount["propagation"]>>> = {
  None: "PRIVATE",
  HostToContainer: "HOST_TO_CONTAINER",
  Bidirectional: "BIDIRECTIONAL",
};

async function mountSource(mount: VolumeMount, volume: PreparedVolume, request: MountsRequest): Promise<string> {
  const { subPath, subPathExpr } = mount;
  const written = subPath ?? (subPathExpr === undefined ? "" : expandAll(subPathExpr, request.variables));
  if (written === "") return volume.hostPath;
  const failure = `failed to prepare subPath for volumeMount "${mount.name}" of container "${request.container.spec.name}"`;
  // Where a container can write, it can swap a component for a link between our check and the mount.
  if (!volume.isOwned) throw configError(`${failure}: subPath is supported for volumes that only the kubelet writes`);
  const path = await realpath(join(volume.hostPath, written)).catch(() => undefined);
  const root = await realpath(volume.hostPath);
  if (path === undefined || (path !== root && !path.startsWith(`${root}/`))) throw configError(failure);
  return path;
}

function expandAll(text: string, variables: ReadonlyMap<string, string>): string {
  return expandVariables(text, (name) => {
    const value = variables.get(name);
    if (value === undefined) throw configError(`missing value for "${name}" in subPathExpr`);
    return value;
  });
}

async function hostsMount({ pod, directories, hostsFile }: MountsRequest): Promise<Mount> {
  const path = directories.hostsFile(pod);
  await writeFileAtomic(path, hostsFile, { mode: 0o644, durable: false });
  return { containerPath: HOSTS_PATH, hostPath: path, readonly: false };
}

/** A new file for each container, so that a message is never taken for that of a later one. Any user may write it. */
async function terminationMessageMount(containerPath: string, request: MountsRequest): Promise<Mount> {
  const { pod, container, directories } = request;
  const directory = directories.containerDir(pod, container.spec.name);
  await mkdir(directory, { recursive: true, mode: 0o750 });
  const path = join(directory, randomBytes(4).toString("hex"));
  await using file = await open(path, "wx", 0o666);
  await file.chmod(0o666);
  return { containerPath, hostPath: path, readonly: false };
}

function configError(message: string): ContainerStartError {
  return new ContainerStartError("CreateContainerConfigError", message, { eventDetail: message });
}

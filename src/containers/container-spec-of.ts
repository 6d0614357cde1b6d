import { CriError } from "../cri/cri-error.ts";
import type { ContainerConfig, NamespaceOption } from "../cri/runtime-service.ts";
import type { Device, Namespace, Spec } from "../oci/runtime-config.ts";
import { containerSpec, type ContainerSpecRequest } from "../runtime/container-spec.ts";
import { grantedCapabilities } from "../runtime/granted-capabilities.ts";
import { deviceAt } from "../runtime/host-devices.ts";
import type { ContainerImage } from "./container-images.ts";
import { containerMounts } from "./container-mounts.ts";
import { containerProcess } from "./container-process.ts";
import { containerSeccomp } from "./container-seccomp.ts";
import type { Engine } from "./engine.ts";
import type { ContainerRecord, ContainerUser, SandboxRecord } from "./engine-records.ts";
import { sandboxFiles, sandboxHostname } from "./sandbox-files.ts";

export interface ContainerParts {
  readonly record: ContainerRecord;
  readonly sandbox: SandboxRecord;
  readonly image: ContainerImage;
  /** Where its root file system is mounted. */
  readonly rootfs: string;
  readonly user: ContainerUser;
}

/** Returns the OCI configuration of a container. Throws `CriError` or `RuntimeError` for what cannot be had. */
export async function containerSpecOf(engine: Engine, parts: ContainerParts): Promise<Spec> {
  const { record, sandbox, image, rootfs, user } = parts;
  const { config } = record;
  const context = config.linux.securityContext;
  const { addCapabilities: add = [], dropCapabilities: drop = [] } = context.capabilities ?? {};
  const capabilities = grantedCapabilities({ privileged: context.privileged, add, drop });
  const request: ContainerSpecRequest = {
    ...containerProcess({ config, image: image.config.config, hostname: sandboxHostname(sandbox.config), rootfs }),
    rootfs,
    readonlyRootfs: context.readonlyRootfs,
    user: { uid: user.uid, gid: user.gid, additionalGids: user.supplementalGroups },
    terminal: config.tty,
    noNewPrivileges: context.noNewPrivs,
    oomScoreAdj: config.linux.resources.oomScoreAdj ?? 0,
    capabilities,
    privileged: context.privileged,
    namespaces: namespacesOf(engine, sandbox, context.namespaceOptions),
    mounts: containerMounts(config, sandboxFiles(`${engine.sandboxesDir}/${sandbox.id}`, sandbox.config)),
    devices: devicesOf(config),
    seccomp: await containerSeccomp(context, capabilities),
    maskedPaths: context.maskedPaths,
    readonlyPaths: context.readonlyPaths,
    cgroups: engine.runtime.cgroups,
    cgroupPath: record.cgroupPath,
    resources: config.linux.resources,
  };
  return containerSpec(request);
}

/** What the sandbox pinned is shared with its other containers; what it did not is the node's. */
function namespacesOf(engine: Engine, sandbox: SandboxRecord, options: NamespaceOption): Namespace[] {
  const { net, ipc, uts } = sandbox.pins;
  return [
    { type: "mount" },
    ...(options.pid === "NODE" ? [] : [{ type: "pid" } as const]),
    ...(net === undefined ? [] : [{ type: "network", path: net } as const]),
    ...(ipc === undefined ? [] : [{ type: "ipc", path: ipc } as const]),
    ...(uts === undefined ? [] : [{ type: "uts", path: uts } as const]),
    // On v1 a namespace would hide the hierarchies that the runtime has to mount one by one.
    ...(engine.runtime.cgroups.version === "v2" ? [{ type: "cgroup" } as const] : []),
  ];
}

function devicesOf(config: ContainerConfig): { device: Device; access: string }[] {
  return config.devices.map(({ hostPath, containerPath, permissions }) => {
    const device = deviceAt(hostPath, containerPath);
    if (device !== undefined) return { device, access: permissions };
    throw new CriError("INVALID_ARGUMENT", `Cannot give the device "${hostPath}": there is no such device on the host`);
  });
}

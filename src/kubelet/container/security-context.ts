import { join } from "node:path";

import type { PodSpec, SeccompProfile, SecurityContext } from "../../api/core-v1.gen.ts";
import type { Image } from "../../cri/image-service.ts";
import type { LinuxContainerSecurityContext, NamespaceOption, SecurityProfile } from "../../cri/runtime-service.ts";
import { ContainerStartError } from "../container-start-error.ts";
import { formatPod, type NodePod, type PodContainer } from "../node-pod.ts";

/** Returns the namespaces that a pod's processes live in. */
export function namespaceOptionsOf({ hostNetwork, hostPID, hostIPC, shareProcessNamespace }: PodSpec): NamespaceOption {
  const sharedPid = shareProcessNamespace === true ? "POD" : "CONTAINER";
  return {
    network: hostNetwork === true ? "NODE" : "POD",
    pid: hostPID === true ? "NODE" : sharedPid,
    ipc: hostIPC === true ? "NODE" : "POD",
  };
}

/** Returns a container's security context: its own fields, else the pod's. Seccomp profiles of the node lie in `seccompDir`. */
export function containerSecurityContext(
  pod: NodePod,
  { spec }: PodContainer,
  seccompDir: string,
): LinuxContainerSecurityContext {
  const { securityContext: own = {} } = spec;
  const { securityContext: shared = {} } = pod.spec;
  const privileged = own.privileged ?? false;
  const runAsUser = own.runAsUser ?? shared.runAsUser;
  const runAsGroup = own.runAsGroup ?? shared.runAsGroup;
  const groups = [...(shared.supplementalGroups ?? []), ...(shared.fsGroup === undefined ? [] : [shared.fsGroup])];
  return {
    privileged,
    namespaceOptions: namespaceOptionsOf(pod.spec),
    ...(runAsUser === undefined ? {} : { runAsUser }),
    ...(runAsGroup === undefined ? {} : { runAsGroup }),
    ...(groups.length === 0 ? {} : { supplementalGroups: groups }),
    ...(own.capabilities === undefined ? {} : { capabilities: capabilitiesOf(own.capabilities) }),
    readonlyRootfs: own.readOnlyRootFilesystem ?? false,
    noNewPrivs: own.allowPrivilegeEscalation === false,
    seccomp: seccompOf(own.seccompProfile ?? shared.seccompProfile, { seccompDir, privileged }),
    ...(own.procMount === "Unmasked" ? { maskedPaths: [], readonlyPaths: [] } : {}),
  };
}

/** Throws `ContainerStartError` where a container that must not run as root would, or where nobody can tell. */
export function checkRunAsNonRoot(pod: NodePod, container: PodContainer, image: Image | undefined): void {
  const own = container.spec.securityContext;
  const shared = pod.spec.securityContext;
  if ((own?.runAsNonRoot ?? shared?.runAsNonRoot) !== true) return;
  const subject = `(pod: "${formatPod(pod)}", container: ${container.spec.name})`;
  const user = own?.runAsUser ?? shared?.runAsUser;
  if (user === 0) throw refused(`container's runAsUser breaks non-root policy ${subject}`);
  if (user !== undefined || image === undefined) return;
  if (image.username !== undefined && image.username !== "") {
    const reason = `image has non-numeric user (${image.username}), cannot verify user is non-root`;
    throw refused(`container has runAsNonRoot and ${reason} ${subject}`);
  }
  if ((image.uid ?? 0) === 0) throw refused(`container has runAsNonRoot and image will run as root ${subject}`);
}

/** Where a seccomp profile applies, and where those of the node lie. */
export interface SeccompScope {
  readonly seccompDir: string;
  readonly privileged: boolean;
}

/**
 * Returns the seccomp profile as the runtime takes it. Without one of its own a container gets the runtime's default, as with the kubelet's
 * `seccompDefault`. Throws `ContainerStartError` for a path that leaves the node's profiles.
 */
export function seccompOf(
  profile: SeccompProfile | undefined,
  { seccompDir, privileged }: SeccompScope,
): SecurityProfile {
  if (privileged || profile?.type === "Unconfined") return { profileType: "Unconfined" };
  if (profile?.type !== "Localhost") return { profileType: "RuntimeDefault" };
  const path = join(seccompDir, profile.localhostProfile ?? "");
  if (!path.startsWith(`${seccompDir}/`))
    throw refused("localhostProfile must be a path below the node's seccomp profiles");
  return { profileType: "Localhost", localhostRef: path };
}

type Capabilities = NonNullable<SecurityContext["capabilities"]>;

function capabilitiesOf({ add, drop }: Capabilities): NonNullable<LinuxContainerSecurityContext["capabilities"]> {
  return { addCapabilities: add ?? [], dropCapabilities: drop ?? [] };
}

function refused(message: string): ContainerStartError {
  return new ContainerStartError("CreateContainerConfigError", message, { eventDetail: message });
}

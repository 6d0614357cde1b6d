import { CriError } from "../cri/cri-error.ts";

/** Returns kernel parameters once each is known to belong to the pod's own namespaces. Throws `CriError` (`INVALID_ARGUMENT`). */
export function checkedSysctls(
  sysctls: Readonly<Record<string, string>>,
  own: { readonly network: boolean; readonly ipc: boolean },
): [name: string, value: string][] {
  return Object.entries(sysctls).map(([name, value]) => {
    const namespaced = (own.network && NETWORK.test(name)) || (own.ipc && IPC.test(name));
    // `+`, `=` and slashes have been ways to set other parameters, and through them programs (CVE-2022-0811).
    if (namespaced && SAFE_NAME.test(name)) return [name, value];
    throw new CriError("INVALID_ARGUMENT", `Cannot set the sysctl "${name.slice(0, 128)}": it is not the pod's own`);
  });
}

const SAFE_NAME = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)+$/;
const NETWORK = /^net\./;
const IPC = /^(?:kernel\.(?:shm(?:max|all|mni|_rmid_forced)|msg(?:max|mnb|mni)|sem)|fs\.mqueue\.[a-z_]+)$/;

import type { Pod, ServiceAccount } from "../../api/core-v1.gen.ts";
import { PODS, SERVICE_ACCOUNTS } from "../../api/resource-types.ts";
import { badRequestStatus, forbiddenStatus } from "../../api/status.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import type { AdmissionPlugin } from "./admission.ts";
import { isMirrorPod } from "./mirror-pod.ts";

const DEFAULT = "default";
const DEFAULT_WAIT_MS = 1000;

/** Gives each pod a service account that exists, and that account's pull secrets where the pod names none. */
export const serviceAccount: AdmissionPlugin = {
  name: "ServiceAccount",
  admit: async ({ operation, type, subresource, namespace = "", name, object }, stores) => {
    if (operation !== "CREATE" || type.kind !== PODS.kind || subresource !== undefined) return;
    const pod = object as Pod;
    const { spec } = pod;
    if (spec === undefined) return;
    if (isMirrorPod(pod)) {
      if ((spec.serviceAccountName ?? "") === "") return;
      throw badRequestStatus("a mirror pod may not reference service accounts");
    }
    const wanted = spec.serviceAccountName || spec.serviceAccount || DEFAULT;
    const account = await findAccount(stores.of(SERVICE_ACCOUNTS), namespace, wanted);
    if (account === undefined) {
      const reason = `error looking up service account ${namespace}/${wanted}: serviceaccounts "${wanted}" not found`;
      throw forbiddenStatus(PODS, name, reason);
    }
    spec.serviceAccountName = wanted;
    spec.serviceAccount = wanted;
    const secrets = account.imagePullSecrets ?? [];
    if ((spec.imagePullSecrets ?? []).length === 0 && secrets.length > 0)
      spec.imagePullSecrets = structuredClone(secrets);
  },
};

// A controller makes the default account of a new namespace: who asks right after is not to fail for that.
async function findAccount(
  accounts: ResourceStore<ServiceAccount>,
  namespace: string,
  name: string,
): Promise<ServiceAccount | undefined> {
  const key = accounts.prefixOf(namespace) + name;
  const found = accounts.cache.get(key) ?? (await accounts.get({ namespace, name }).catch(() => undefined));
  if (found !== undefined || name !== DEFAULT) return found?.object;
  return (await accounts.cache.waitForObject(key, DEFAULT_WAIT_MS))?.object;
}

import { hostname } from "node:os";

import { ClientError } from "../client/client-error.ts";
import type { KubeconfigContext } from "../client/kubeconfig-context.ts";
import { mergeContext, removeContext, writeKubeconfig } from "../client/kubeconfig-file.ts";
import { userKubeconfig } from "../client/kubeconfig-location.ts";
import { loadKubeconfig } from "../client/kubeconfig.ts";
import type { Instance } from "../instance/open-instance.ts";
import { reportError } from "./report-error.ts";
import type { ContextPlace } from "./start-progress.ts";

export interface UserContextOptions {
  readonly instance: Instance;
  /** Write there, and leave the user's own file alone. */
  readonly writeKubeconfig?: string | undefined;
}

/**
 * Puts the cluster's context into the file of `--write-kubeconfig`, or else into the user's own kubeconfig, and says where.
 * Where a context of that name is another cluster's, or the file cannot be written, it says so and names our own file.
 */
export async function addUserContext({ instance, writeKubeconfig: file }: UserContextOptions): Promise<ContextPlace> {
  const context = await contextOf(instance);
  if (file !== undefined) {
    await writeKubeconfig({ path: file }, context);
    return { file, context: context.name, isCurrent: false };
  }
  try {
    const location = await userKubeconfig();
    await mergeContext(location, context);
    return { file: location.path, context: context.name, isCurrent: true };
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    reportError(error, { verbose: false });
    return { file: instance.paths.kubeconfigFile, context: context.name, isCurrent: false };
  }
}

/** Takes the cluster's context out of the user's kubeconfig, where it is this cluster's. */
export async function removeUserContext(instance: Instance): Promise<void> {
  try {
    await removeContext(await userKubeconfig(), instance.record.name, ownerMark(instance));
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    reportError(error, { verbose: false });
  }
}

async function contextOf(instance: Instance): Promise<KubeconfigContext> {
  const { config } = await loadKubeconfig({ path: instance.paths.kubeconfigFile });
  return {
    name: instance.record.name,
    instance: ownerMark(instance),
    server: config.server,
    ca: config.ca ?? "",
    cert: config.cert ?? "",
    key: config.key ?? "",
  };
}

/** A home directory may be shared by machines: the name alone does not say whose the context is. */
function ownerMark(instance: Instance): string {
  return `${hostname()}:${instance.paths.dataDir}`;
}

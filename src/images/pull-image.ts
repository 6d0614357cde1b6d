import { randomUUID } from "node:crypto";

import { failpoint } from "../base/failpoint.ts";
import type { PullImageRequest } from "../cri/image-service.ts";
import { chainIdsOf } from "../oci/chain-id.ts";
import { formatReference, parseReference, type Reference, withDefaultTag } from "../oci/reference.ts";
import { formatPlatform } from "../oci/platform.ts";
import type { PullTraceRecorder } from "../trace/pull-trace-recorder.ts";
import type { ActiveLease } from "./active-leases.ts";
import { collectGarbage } from "./collect-garbage.ts";
import { credentialOfAuth } from "./credential-of-auth.ts";
import { fetchDocuments } from "./fetch-documents.ts";
import { nameOf } from "./find-image.ts";
import type { ImageContext } from "./image-context.ts";
import type { LeaseRecord } from "./image-records.ts";
import { pullLayers } from "./pull-layers.ts";
import { recordImage } from "./record-image.ts";
import { pullError } from "./to-cri-error.ts";

/** CRI `PullImage`: returns the image id, the digest of the config. Throws `CriError`. */
export async function pullImage(
  context: ImageContext,
  request: PullImageRequest,
  signal?: AbortSignal,
): Promise<string> {
  const { image } = request.image;
  const trace = context.traces.begin(request.pullId ?? randomUUID(), image);
  let name = image;
  try {
    const reference = withDefaultTag(parseReference(image));
    name = formatReference(reference);
    const id = await pull({ context, request, reference, trace, signal });
    trace.pulled(id);
    return id;
  } catch (error) {
    const failure = pullError(name, error, signal);
    trace.failed(failure);
    throw failure;
  }
}

interface Pull {
  readonly context: ImageContext;
  readonly request: PullImageRequest;
  readonly reference: Reference;
  readonly trace: PullTraceRecorder;
  readonly signal: AbortSignal | undefined;
}

async function pull({ context, request, reference, trace, signal }: Pull): Promise<string> {
  const repository = context.registry.openRepository({
    reference,
    credential: credentialOfAuth(request.auth, reference),
    onRequest: (sent) => trace.request(sent),
  });
  using lease = context.leases.open();
  const image = await fetchDocuments({ context, repository, lease, signal });
  for (const { digest } of image.manifest.layers) lease.digests.add(digest);
  for (const chainId of chainIdsOf(image.config.diffIds)) lease.chainIds.add(chainId);
  await context.records.leases.put(nameOf(reference), leaseRecordOf(lease));
  await failpoint("pull.after-lease");
  const manifestDigest = image.documents.at(-1)?.digest ?? image.target;
  trace.resolved({ platform: formatPlatform(context.platform), manifestDigest });
  await pullLayers({ context, repository, image, trace, signal });
  await failpoint("pull.before-record");
  await recordImage(context, image, { references: [reference], lease: nameOf(reference) });
  await failpoint("pull.after-record");
  await collectGarbage(context);
  return image.manifest.config.digest;
}

/** Returns a lease in the form that survives this process. */
export function leaseRecordOf({ digests, chainIds }: ActiveLease): LeaseRecord {
  return { at: Date.now(), digests: [...digests], chainIds: [...chainIds] };
}

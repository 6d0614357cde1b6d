import type { PushedBlob, PushProgress, PushRequest } from "../cri/image-administration.ts";
import { CodedError, messageOf } from "../base/coded-error.ts";
import { CriError } from "../cri/cri-error.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { formatReference, parseReference, type Reference, withDefaultTag } from "../oci/reference.ts";
import type { RepositoryAccess } from "../registry/endpoint-sender.ts";
import { pushBlob, pushManifest } from "../registry/push.ts";
import { credentialOfAuth } from "./credential-of-auth.ts";
import { imageContents } from "./image-contents.ts";
import type { ImageContext } from "./image-context.ts";
import { blobsOf } from "./image-records.ts";
import { requireImage } from "./name-image.ts";

/** Pushes an image to where its name says; blobs that another repository of that registry has are mounted. Throws `CriError`. */
export async function* pushImage(
  context: ImageContext,
  { image, auth }: PushRequest,
  signal?: AbortSignal,
): AsyncGenerator<PushProgress> {
  const { record } = await requireImage(context, image, "push");
  const reference = destinationOf(image);
  const { documents, blobs } = await imageContents(context, record);
  using lease = context.leases.open();
  for (const { digest } of blobsOf(record)) lease.digests.add(digest);
  const access: RepositoryAccess = { reference, credential: credentialOfAuth(auth, reference) };
  const push: Push = { context, access, signal };
  const progress = new Map<Digest, PushedBlob>(
    blobs.map(({ digest, size }) => [digest, { digest, size, state: "waiting" }]),
  );
  const name = formatReference(reference);
  const told = (): PushProgress => ({ image: name, blobs: [...progress.values()] });
  try {
    for (const blob of blobs) {
      const { digest, size } = blob;
      progress.set(digest, { digest, size, state: "pushing" });
      yield told();
      const state = await pushOne(push, blob);
      progress.set(digest, { digest, size, state: state === "uploaded" ? "pushed" : state });
      yield told();
    }
    yield { ...told(), digest: await pushDocuments(push, documents) };
  } catch (error) {
    throw pushError(name, error, signal);
  }
}

interface Push {
  readonly context: ImageContext;
  readonly access: RepositoryAccess;
  readonly signal: AbortSignal | undefined;
}

async function pushOne({ context, access, signal }: Push, blob: Descriptor) {
  const openStream = (offset: number) => readFrom(context, blob.digest, offset);
  const mountFrom = mountableFrom(context, access.reference, blob.digest);
  return await pushBlob(context.registry, access, blob, openStream, { mountFrom, signal });
}

async function* readFrom({ content }: ImageContext, digest: Digest, offset: number): AsyncGenerator<Uint8Array> {
  await using handle = await content.open(digest);
  for await (const chunk of handle.createReadStream({ autoClose: false, start: offset })) yield chunk as Buffer;
}

/** Returns another repository of the registry that an image with this blob was pulled from or pushed to. */
function mountableFrom({ records }: ImageContext, reference: Reference, digest: Digest): string | undefined {
  const having = new Set(
    records.images
      .list()
      .filter(({ record }) => blobsOf(record).some((blob) => blob.digest === digest))
      .map(({ id }) => id),
  );
  return records.names
    .list()
    .filter(({ record }) => having.has(record.imageId))
    .map(({ id }) => parseReference(id))
    .find(({ domain, path }) => domain === reference.domain && path !== reference.path)?.path;
}

async function pushDocuments(
  { context, access, signal }: Push,
  documents: readonly { readonly descriptor: Descriptor; readonly bytes: Uint8Array }[],
): Promise<Digest> {
  const top = documents.at(-1);
  if (top === undefined) throw new RangeError("it has no manifest");
  for (const { descriptor, bytes } of documents) {
    const name = descriptor.digest === top.descriptor.digest ? access.reference.tag : undefined;
    const { mediaType, digest } = descriptor;
    await pushManifest(context.registry, access, name ?? digest, mediaType, bytes, signal);
  }
  return top.descriptor.digest;
}

function destinationOf(image: string): Reference {
  try {
    const reference = withDefaultTag(parseReference(image));
    if (reference.digest === undefined) return reference;
  } catch (error) {
    throw new CriError("INVALID_ARGUMENT", messageOf(error), { cause: error });
  }
  throw new CriError("INVALID_ARGUMENT", `Cannot push "${image}": a push needs a name with a tag`);
}

function pushError(name: string, error: unknown, signal: AbortSignal | undefined): CriError {
  if (error instanceof CriError) return error;
  const hint = error instanceof CodedError ? error.hint : undefined;
  const code = signal?.aborted === true ? "CANCELLED" : "UNKNOWN";
  const message = messageOf(error);
  return new CriError(code, `Cannot push "${name}": ${message.charAt(0).toLowerCase()}${message.slice(1)}`, {
    cause: error,
    hint,
  });
}

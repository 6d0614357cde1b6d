import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, digestOf, isDigest } from "../oci/digest.ts";
import type { Reference } from "../oci/reference.ts";
import type { RepositoryAccess } from "./endpoint-sender.ts";
import { discardBody } from "./read-body.ts";
import type { RegistryClient } from "./registry-client.ts";
import { RegistryError } from "./registry-error.ts";
import { type BlobSource, uploadBlob } from "./upload-blob.ts";

export interface PushBlobOptions {
  /** A repository of the same registry that may hold the blob already, e.g. `library/busybox`. */
  readonly mountFrom?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told how many bytes the registry has, as far as is known; may go back where it lost some. */
  readonly onProgress?: (bytes: number) => void;
}

/** How a blob came into the repository. */
export type PushedBlob = "present" | "mounted" | "uploaded";

/**
 * Makes a blob part of a repository: nothing is sent where it is there, it is taken over from another repository of the
 * registry where that has it, otherwise uploaded; an upload that breaks goes on where the registry says. The registry
 * checks the digest. Idempotent. Throws `RegistryError`: `CREDENTIAL_REFUSED`, `UPLOAD_REFUSED`, …
 */
export async function pushBlob(
  client: RegistryClient,
  repository: RepositoryAccess,
  descriptor: Descriptor,
  openStream: BlobSource,
  { mountFrom, signal, onProgress = () => {} }: PushBlobOptions = {},
): Promise<PushedBlob> {
  const action = `push blob "${repository.reference.repository}@${descriptor.digest}"`;
  const sender = client.openUpload(repository, mountFrom === undefined ? [] : [mountFrom]);
  return await sender.attempt("push", async (send) => {
    const path = `blobs/${descriptor.digest}`;
    const found = await send({ method: "HEAD", path, action, signal, what: "upload" }, isAnyRefusal);
    discardBody(found);
    if (found.status === 200) return "present";
    return await uploadBlob({ send, descriptor, openStream, mountFrom, action, signal, onProgress });
  });
}

/**
 * Puts a manifest or index under a tag or its digest; all that it names must be there. Returns its digest. Idempotent.
 * Throws `RegistryError`: `UPLOAD_REFUSED` where the registry does not take it.
 */
export async function pushManifest(
  client: RegistryClient,
  repository: RepositoryAccess,
  tagOrDigest: string,
  mediaType: string,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<Digest> {
  const digest = digestOf(bytes);
  const action = `push "${nameOf(repository.reference, tagOrDigest)}"`;
  if (isDigest(tagOrDigest) && tagOrDigest.startsWith("sha256:") && tagOrDigest !== digest) {
    throw new RegistryError("DIGEST_MISMATCH", `Cannot ${action}: the manifest's digest is ${digest}`);
  }
  const sender = client.openUpload(repository, []);
  return await sender.attempt("push", async (send) => {
    const headers = { "content-type": mediaType };
    const request = { method: "PUT", path: `manifests/${tagOrDigest}`, headers, body: bytes } as const;
    discardBody(await send({ ...request, action, signal, what: "upload" }));
    return digest;
  });
}

/** Absence is no error, and an answer to HEAD that is one tells less than the upload's will. */
function isAnyRefusal(status: number): boolean {
  return status >= 400 && status < 429;
}

function nameOf({ repository }: Reference, tagOrDigest: string): string {
  return isDigest(tagOrDigest) ? `${repository}@${tagOrDigest}` : `${repository}:${tagOrDigest}`;
}

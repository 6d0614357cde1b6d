import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

import { syncDirectory } from "../base/atomic-write.ts";
import { codeOf } from "../base/coded-error.ts";
import { failpoint } from "../base/failpoint.ts";
import { algorithmOf, digestOfHash } from "../oci/digest.ts";
import { ContentError } from "./content-error.ts";
import type { BlobPaths, IngestRequest } from "./content-store.ts";
import { WriteBehind } from "./write-behind.ts";

/** One blob to be written; its partial file is left for the next try where the source breaks off. */
export interface BlobWrite extends BlobPaths {
  readonly request: IngestRequest;
  /** Whether it is synced. */
  readonly isDurable: boolean;
}

const READ_BUFFER_BYTES = 256 * 1024;

/** Writes a blob: continues its partial file, hashes while writing, checks size and digest, syncs, and renames. */
export async function writeBlob(write: BlobWrite): Promise<void> {
  try {
    await writePartial(write);
    await failpoint("content.before-rename");
    await rename(write.partial, write.whole);
    await failpoint("content.after-rename");
    // A rename is lost in a power cut until its directory is synced.
    if (write.isDurable) await syncDirectory(dirname(write.whole));
  } catch (error) {
    if (isUseless(error)) await rm(write.partial, { force: true });
    throw asNoSpace(error, write.request);
  }
}

async function writePartial({ request, partial, isDurable }: BlobWrite): Promise<void> {
  const hash = createHash(algorithmOf(request.digest));
  await using file = await open(partial, "a+", 0o600);
  const offset = await hashExisting(file, hash, request);
  if (offset < request.size) await append({ file, hash, offset, request });
  await failpoint("content.before-sync");
  if (isDurable) await file.sync();
  const digest = digestOfHash(algorithmOf(request.digest), hash);
  if (digest !== request.digest) throw fault(request, "DIGEST_MISMATCH", `its bytes have the digest ${digest}`);
  await file.chmod(0o400);
}

/** Feeds what an earlier try left to `hash`; returns how many bytes that was. */
async function hashExisting(file: FileHandle, hash: Hash, request: IngestRequest): Promise<number> {
  const { size } = await file.stat();
  if (size > request.size) {
    await file.truncate(0);
    return 0;
  }
  const buffer = Buffer.allocUnsafe(Math.min(READ_BUFFER_BYTES, size + 1));
  let offset = 0;
  while (offset < size) {
    request.signal?.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    offset += bytesRead;
  }
  return offset;
}

interface Append {
  readonly file: FileHandle;
  readonly hash: Hash;
  readonly offset: number;
  readonly request: IngestRequest;
}

/** Takes the source's bytes; those that came before it broke off are in the file in any case. */
async function append({ file, hash, offset, request }: Append): Promise<void> {
  request.onProgress?.(offset);
  const writer = new WriteBehind(file, (written) => request.onProgress?.(offset + written));
  try {
    await copy({ writer, hash, offset, request });
  } finally {
    await writer.flush();
  }
}

async function copy({ writer, hash, offset, request }: Omit<Append, "file"> & { writer: WriteBehind }): Promise<void> {
  let taken = offset;
  for await (const chunk of request.source(offset, request.signal)) {
    request.signal?.throwIfAborted();
    taken += chunk.length;
    if (taken > request.size) {
      throw fault(request, "SIZE_MISMATCH", `${request.size} bytes were announced, but more came`);
    }
    hash.update(chunk);
    await writer.write(chunk);
    await failpoint("content.after-chunk");
  }
  if (taken < request.size) {
    throw fault(request, "SIZE_MISMATCH", `${request.size} bytes were announced, but only ${taken} came`);
  }
}

function isUseless(error: unknown): boolean {
  return codeOf(error) === "DIGEST_MISMATCH" || codeOf(error) === "SIZE_MISMATCH";
}

function asNoSpace(error: unknown, request: IngestRequest): unknown {
  const code = codeOf(error);
  if (code !== "ENOSPC" && code !== "EDQUOT") return error;
  return new ContentError("NO_SPACE", `Cannot store blob "${request.digest}": no space left on the device`, {
    cause: error,
    hint: "Free disk space where the data directory lies.",
  });
}

function fault(request: IngestRequest, code: "DIGEST_MISMATCH" | "SIZE_MISMATCH", reason: string): ContentError {
  return new ContentError(code, `Cannot store blob "${request.digest}": ${reason}`);
}

import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

import { syncDirectory } from "../base/atomic-write.ts";
import { codeOf } from "../base/coded-error.ts";
import { failpoint } from "../base/failpoint.ts";
import { algorithmOf, digestOfHash } from "../oci/digest.ts";
import { ContentError } from "./content-error.ts";
import type { IngestRequest } from "./content-store.ts";

/** Where one blob is written. */
export interface BlobWrite {
  readonly request: IngestRequest;
  /** Holds the bytes while they come; left for the next try where the source breaks off. */
  readonly partialPath: string;
  readonly blobPath: string;
}

const READ_BUFFER_BYTES = 256 * 1024;

/** Writes a blob: continues `partialPath`, hashes while writing, checks size and digest, syncs, and renames. */
export async function writeBlob(write: BlobWrite): Promise<void> {
  try {
    await writePartial(write);
    await failpoint("content.before-rename");
    await rename(write.partialPath, write.blobPath);
    await failpoint("content.after-rename");
    // A rename is lost in a power cut until its directory is synced.
    await syncDirectory(dirname(write.blobPath));
  } catch (error) {
    if (isUseless(error)) await rm(write.partialPath, { force: true });
    throw asNoSpace(error, write.request);
  }
}

async function writePartial({ request, partialPath }: BlobWrite): Promise<void> {
  const hash = createHash(algorithmOf(request.digest));
  await using file = await open(partialPath, "a+", 0o600);
  const offset = await hashExisting(file, hash, request);
  if (offset < request.size) await append({ file, hash, offset, request });
  await failpoint("content.before-sync");
  await file.sync();
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

async function append({ file, hash, offset, request }: Append): Promise<void> {
  let written = offset;
  request.onProgress?.(written);
  for await (const chunk of request.source(offset, request.signal)) {
    request.signal?.throwIfAborted();
    if (written + chunk.length > request.size) {
      throw fault(request, "SIZE_MISMATCH", `${request.size} bytes were announced, but more came`);
    }
    hash.update(chunk);
    await writeAll(file, chunk);
    written += chunk.length;
    request.onProgress?.(written);
    await failpoint("content.after-chunk");
  }
  if (written < request.size) {
    throw fault(request, "SIZE_MISMATCH", `${request.size} bytes were announced, but only ${written} came`);
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  let at = 0;
  while (at < chunk.length) {
    const { bytesWritten } = await file.write(chunk, at);
    at += bytesWritten;
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

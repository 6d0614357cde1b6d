import type { FileHandle } from "node:fs/promises";
import { mkdir, open, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import { acquireOrAbort } from "../base/acquire-or-abort.ts";
import { codeOf } from "../base/coded-error.ts";
import { KeyedMutex } from "../base/keyed-mutex.ts";
import { algorithmOf, type Digest, encodedOf, isDigest } from "../oci/digest.ts";
import { ContentError } from "./content-error.ts";
import type { BlobInfo, BlobPaths, ContentStore, IngestRequest } from "./content-store.ts";
import { writeBlob } from "./blob-writer.ts";

const ALGORITHMS = ["sha256", "sha512"] as const;

/** Opens the content store in a directory: `blobs/<algorithm>/<hex>` as OCI image layouts have it, and `ingest/` for what is coming. */
export async function openLocalContentStore(
  root: string,
  options: LocalContentStoreOptions = {},
): Promise<ContentStore> {
  for (const algorithm of ALGORITHMS) {
    await mkdir(join(root, "blobs", algorithm), { recursive: true, mode: 0o700 });
  }
  await mkdir(join(root, "ingest"), { recursive: true, mode: 0o700 });
  return new LocalContentStore(root, options.isDurable ?? true);
}

export interface LocalContentStoreOptions {
  /** Whether blobs survive a power cut; true by default. */
  readonly isDurable?: boolean;
}

class LocalContentStore implements ContentStore {
  readonly #root: string;
  readonly #isDurable: boolean;
  readonly #mutex = new KeyedMutex();
  readonly #ingesting = new Map<Digest, number>();

  constructor(root: string, isDurable: boolean) {
    this.#root = root;
    this.#isDurable = isDurable;
  }

  async stat(digest: Digest): Promise<BlobInfo | undefined> {
    const path = this.#blobPath(digest);
    try {
      const { size } = await stat(path);
      return { digest, size, path };
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  async read(digest: Digest, maxBytes: number): Promise<Uint8Array> {
    const found = await this.stat(digest);
    if (found === undefined) throw unknownBlob(digest);
    if (found.size > maxBytes) {
      throw new ContentError("BLOB_TOO_LARGE", `Cannot read blob "${digest}": it is larger than ${maxBytes} bytes`);
    }
    return await readFile(found.path);
  }

  async open(digest: Digest): Promise<FileHandle> {
    try {
      return await open(this.#blobPath(digest), "r");
    } catch (error) {
      throw codeOf(error) === "ENOENT" ? unknownBlob(digest, error) : error;
    }
  }

  pathsOf(digest: Digest): BlobPaths {
    const partial = join(this.#root, "ingest", `${algorithmOf(digest)}-${encodedOf(digest)}`);
    return { partial, whole: this.#blobPath(digest) };
  }

  async ingest(request: IngestRequest): Promise<void> {
    const { digest, signal } = request;
    this.#ingesting.set(digest, (this.#ingesting.get(digest) ?? 0) + 1);
    try {
      await using _turn = await acquireOrAbort(this.#mutex, digest, signal);
      signal?.throwIfAborted();
      const present = await this.stat(digest);
      if (present === undefined) {
        await writeBlob({ request, ...this.pathsOf(digest), isDurable: this.#isDurable });
      } else if (present.size !== request.size) {
        // The bytes answer to their digest, so it is the descriptor that lies.
        throw sizeMismatch(digest, request.size, present.size);
      }
      request.onProgress?.(request.size);
    } finally {
      const left = (this.#ingesting.get(digest) ?? 1) - 1;
      if (left === 0) this.#ingesting.delete(digest);
      else this.#ingesting.set(digest, left);
    }
  }

  async list(): Promise<BlobInfo[]> {
    const blobs: BlobInfo[] = [];
    for (const algorithm of ALGORITHMS) {
      for (const name of await readdir(join(this.#root, "blobs", algorithm))) {
        const digest = `${algorithm}:${name}`;
        const found = isDigest(digest) ? await this.stat(digest) : undefined;
        if (found !== undefined) blobs.push(found);
      }
    }
    return blobs;
  }

  async delete(digest: Digest): Promise<void> {
    await rm(this.#blobPath(digest), { force: true });
  }

  async collectGarbage(live: ReadonlySet<Digest>): Promise<number> {
    let freed = 0;
    const isGarbage = (digest: Digest) => !live.has(digest) && !this.#ingesting.has(digest);
    for (const { digest, size } of await this.list()) {
      if (!isGarbage(digest)) continue;
      await this.delete(digest);
      freed += size;
    }
    for (const name of await readdir(join(this.#root, "ingest"))) {
      const digest = name.replace("-", ":");
      if (isDigest(digest) && !isGarbage(digest)) continue;
      const path = join(this.#root, "ingest", name);
      freed += (await stat(path)).size;
      await rm(path, { recursive: true, force: true });
    }
    return freed;
  }

  #blobPath(digest: Digest): string {
    return join(this.#root, "blobs", algorithmOf(digest), encodedOf(digest));
  }
}

function unknownBlob(digest: Digest, cause?: unknown): ContentError {
  return new ContentError("BLOB_UNKNOWN", `Cannot read blob "${digest}": the content store does not have it`, {
    cause,
  });
}

function sizeMismatch(digest: Digest, expected: number, actual: number): ContentError {
  const reason = `${expected} bytes were announced, but it has ${actual}`;
  return new ContentError("SIZE_MISMATCH", `Cannot store blob "${digest}": ${reason}`);
}

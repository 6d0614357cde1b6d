import { createHash } from "node:crypto";

import { codeOf, messageOf } from "../../base/coded-error.ts";
import { algorithmOf, digestOfHash, parseDigest } from "../../oci/digest.ts";
import { SnapshotError } from "../snapshot-error.ts";
import { decompress } from "./decompress.ts";
import { LayerWriter, type WrittenLayer } from "./layer-writer.ts";
import { TarReader } from "./tar-reader.ts";
import type { UnpackJob } from "./unpack-job.ts";

/**
 * Unpacks a layer, given by its compressed bytes, into the root of this process. All of the stream is read and hashed, what
 * follows the end of the archive too. Throws `SnapshotError`. Nothing is synced.
 */
export async function applyLayer(blob: AsyncIterable<Buffer>, job: UnpackJob): Promise<WrittenLayer> {
  const diffId = parseDigest(job.diffId);
  const hash = createHash(algorithmOf(diffId));
  const writer = new LayerWriter(job.maxInodes);
  const reader = new TarReader(writer);
  try {
    let bytes = 0;
    for await (const chunk of decompress(blob)) {
      bytes += chunk.length;
      if (bytes > job.maxBytes) throw tooLarge(job.maxBytes);
      hash.update(chunk);
      reader.push(chunk);
    }
    reader.finish();
    const found = digestOfHash(algorithmOf(diffId), hash);
    if (found !== diffId) throw wrongDiffId(diffId, found);
    return writer.finish();
  } catch (error) {
    throw asSnapshotError(error);
  } finally {
    writer.abort();
  }
}

function asSnapshotError(error: unknown): unknown {
  const code = codeOf(error);
  if (error instanceof SnapshotError || code === undefined) return error;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new SnapshotError("NO_SPACE", "Cannot unpack the layer: no space left on the device", { cause: error });
  }
  return new SnapshotError("UNPACKER_FAILED", `Cannot unpack the layer: the machine refused it: ${messageOf(error)}`, {
    cause: error,
  });
}

function tooLarge(maxBytes: number): SnapshotError {
  return new SnapshotError("LAYER_TOO_LARGE", `Cannot unpack the layer: it is larger than ${maxBytes} bytes`);
}

function wrongDiffId(expected: string, found: string): SnapshotError {
  const reason = `the image config announces ${expected}, but it unpacks to ${found}`;
  return new SnapshotError("DIFF_ID_MISMATCH", `Cannot unpack the layer: ${reason}`);
}

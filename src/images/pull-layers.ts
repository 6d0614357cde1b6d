import { acquireOrAbort } from "../base/acquire-or-abort.ts";
import { failpoint } from "../base/failpoint.ts";
import { chainIdsOf } from "../oci/chain-id.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import type { Repository } from "../registry/registry-client.ts";
import type { PullTraceRecorder } from "../trace/pull-trace-recorder.ts";
import type { ImageDocuments } from "./fetch-documents.ts";
import type { ImageContext } from "./image-context.ts";

/** The layers of one image on their way. */
export interface LayerPull {
  readonly context: ImageContext;
  readonly repository: Repository;
  readonly image: ImageDocuments;
  readonly trace: PullTraceRecorder;
  readonly signal: AbortSignal | undefined;
}

/** Downloads of one image at the same time. */
const MAX_DOWNLOADS = 4;
const MAX_RATIO = 100;
const MIN_LAYER_LIMIT = 1024 ** 3;
const MAX_INODES = 5_000_000;

/**
 * Makes all layers present and unpacked: some are fetched while others are unpacked, and each is committed on top of the
 * one below it. Ends with the first failure, once all work has stopped.
 */
export async function pullLayers(pull: LayerPull): Promise<void> {
  const layers = await layersOf(pull);
  pull.trace.layers(layers.map(({ descriptor, isPresent }) => ({ ...sizeAndDigest(descriptor), present: isPresent })));
  const failed = new AbortController();
  const signal = pull.signal === undefined ? failed.signal : AbortSignal.any([pull.signal, failed.signal]);
  const downloads = slots(MAX_DOWNLOADS);
  let below: Promise<void> = Promise.resolve();
  const tasks = layers.map(async (layer) => {
    const turn = Promise.withResolvers<void>();
    const committedBelow = below;
    below = turn.promise;
    try {
      await pullLayer({ ...pull, signal }, layer, { downloads, committedBelow });
      turn.resolve();
    } catch (error) {
      failed.abort(error);
      pull.trace.layerState(layer.descriptor.digest, "failed");
      turn.reject(error);
      // Who waits for it is failing too, or there is nobody.
      turn.promise.catch(() => {});
      throw error;
    }
  });
  await Promise.allSettled(tasks);
  pull.signal?.throwIfAborted();
  failed.signal.throwIfAborted();
}

interface Layer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  readonly chainId: Digest;
  readonly parent: Digest | undefined;
  readonly isPresent: boolean;
}

interface Order {
  readonly downloads: Slots;
  readonly committedBelow: Promise<void>;
}

async function layersOf({ context, image }: LayerPull): Promise<Layer[]> {
  const chainIds = chainIdsOf(image.config.diffIds);
  const layers = image.manifest.layers.map(async (descriptor, index) => {
    const [diffId, chainId] = [image.config.diffIds[index], chainIds[index]];
    if (diffId === undefined || chainId === undefined) throw new RangeError("Cannot pair layers with their diff ids");
    const isPresent = (await context.content.stat(descriptor.digest)) !== undefined;
    return { descriptor, diffId, chainId, parent: chainIds[index - 1], isPresent };
  });
  return await Promise.all(layers);
}

async function pullLayer(pull: LayerPull, layer: Layer, { downloads, committedBelow }: Order): Promise<void> {
  const { digest } = layer.descriptor;
  await downloads.run(() => fetchLayer(pull, layer));
  pull.trace.layerState(digest, "unpacking");
  await unpackLayer(pull, layer, committedBelow);
  pull.trace.layerState(digest, layer.isPresent ? "present" : "done");
}

async function fetchLayer({ context, repository, trace, signal }: LayerPull, { descriptor }: Layer): Promise<void> {
  const { digest, size } = descriptor;
  signal?.throwIfAborted();
  await context.content.ingest({
    digest,
    size,
    source: (offset) => {
      trace.layerState(digest, "downloading");
      return repository.fetchBlob(descriptor, offset, signal);
    },
    onProgress: (bytes) => trace.layerBytes(digest, bytes),
    signal,
  });
  await failpoint("pull.after-layer-fetch");
}

async function unpackLayer({ context, signal }: LayerPull, layer: Layer, committedBelow: Promise<void>): Promise<void> {
  const { content, snapshotter, unpacker, mutex } = context;
  await using _turn = await acquireOrAbort(mutex, layer.chainId, signal);
  if (snapshotter.stat(layer.chainId) !== undefined) {
    await committedBelow;
    return;
  }
  const blob = await content.stat(layer.descriptor.digest);
  if (blob === undefined) throw new RangeError("Cannot unpack a layer that was not fetched");
  await using active = await snapshotter.prepare(layer.chainId, layer.parent);
  const { directory } = active;
  const maxBytes = Math.max(MAX_RATIO * blob.size, MIN_LAYER_LIMIT);
  const job = { blobPath: blob.path, directory, diffId: layer.diffId, maxBytes, maxInodes: MAX_INODES };
  const unpacked = await unpacker.unpack(job, signal);
  await committedBelow;
  await active.commit(unpacked);
}

interface Slots {
  run<T>(task: () => Promise<T>): Promise<T>;
}

/** Lets so many tasks run at the same time, first come first served. */
function slots(size: number): Slots {
  let free = size;
  const waiting: (() => void)[] = [];
  return {
    run: async (task) => {
      if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
      else free--;
      try {
        return await task();
      } finally {
        const next = waiting.shift();
        if (next === undefined) free++;
        else next();
      }
    },
  };
}

function sizeAndDigest({ digest, size }: Descriptor): { readonly digest: Digest; readonly size: number } {
  return { digest, size };
}

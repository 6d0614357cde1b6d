import { acquireOrAbort } from "../base/acquire-or-abort.ts";
import { codeOf } from "../base/coded-error.ts";
import { failpoint } from "../base/failpoint.ts";
import { chainIdsOf } from "../oci/chain-id.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import type { Repository } from "../registry/registry-client.ts";
import type { SnapshotErrorCode } from "../snapshots/snapshot-error.ts";
import type { ActiveSnapshot } from "../snapshots/snapshotter.ts";
import { Arrival } from "../snapshots/unpack/arrival.ts";
import type { UnpackedLayer } from "../snapshots/unpack/unpack-job.ts";
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
 * Makes all layers present and unpacked: they are fetched and unpacked at the same time, the largest first, and each is
 * committed on top of the one below it. Ends with the first failure, once all work has stopped.
 */
export async function pullLayers(pull: LayerPull): Promise<void> {
  const layers = await layersOf(pull);
  pull.trace.layers(layers.map(({ descriptor, isPresent }) => ({ ...sizeAndDigest(descriptor), present: isPresent })));
  const failed = new AbortController();
  const signal = pull.signal === undefined ? failed.signal : AbortSignal.any([pull.signal, failed.signal]);
  const downloads = slots(MAX_DOWNLOADS);
  const turns = layers.map(() => Promise.withResolvers<void>());
  // Who waits for a turn that never comes is failing too, or there is nobody.
  for (const { promise } of turns) promise.catch(() => {});
  const tasks = largestFirst(layers).map(async (layer) => {
    const { index, descriptor } = layer;
    try {
      await pullLayer({ ...pull, signal }, layer, { downloads, committedBelow: turns[index - 1]?.promise });
      turns[index]?.resolve();
    } catch (error) {
      failed.abort(error);
      pull.trace.layerState(descriptor.digest, "failed");
      turns[index]?.reject(error);
      throw error;
    }
  });
  await Promise.allSettled(tasks);
  pull.signal?.throwIfAborted();
  failed.signal.throwIfAborted();
}

interface Layer {
  /** Its place in the image, 0 the lowest. */
  readonly index: number;
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  readonly chainId: Digest;
  readonly parent: Digest | undefined;
  readonly isPresent: boolean;
}

interface Order {
  readonly downloads: Slots;
  readonly committedBelow: Promise<void> | undefined;
}

async function layersOf({ context, image }: LayerPull): Promise<Layer[]> {
  const chainIds = chainIdsOf(image.config.diffIds);
  const layers = image.manifest.layers.map(async (descriptor, index) => {
    const [diffId, chainId] = [image.config.diffIds[index], chainIds[index]];
    if (diffId === undefined || chainId === undefined) throw new RangeError("Cannot pair layers with their diff ids");
    const isPresent = (await context.content.stat(descriptor.digest)) !== undefined;
    return { index, descriptor, diffId, chainId, parent: chainIds[index - 1], isPresent };
  });
  return await Promise.all(layers);
}

/** One long task left to the end would leave all processors but one without work. */
function largestFirst(layers: readonly Layer[]): readonly Layer[] {
  return layers.toSorted((a, b) => b.descriptor.size - a.descriptor.size);
}

async function pullLayer(pull: LayerPull, layer: Layer, { downloads, committedBelow }: Order): Promise<void> {
  const { context, trace, signal } = pull;
  const { descriptor, chainId, parent } = layer;
  // Before a download's slot, which must not be held by who waits for another pull.
  await using _turn = await acquireOrAbort(context.mutex, chainId, signal);
  const arrival = new Arrival(descriptor.size);
  if (context.snapshotter.stat(chainId) !== undefined) {
    await downloads.run(() => fetchLayer(pull, layer, arrival));
    await committedBelow;
  } else {
    await using active = await context.snapshotter.prepare(chainId, parent);
    const unpacked = await fetchAndUnpack(pull, { layer, active, downloads });
    await active.sync();
    await committedBelow;
    await active.commit(unpacked);
  }
  trace.layerState(descriptor.digest, layer.isPresent ? "present" : "done");
}

interface LayerWork {
  readonly layer: Layer;
  readonly active: ActiveSnapshot;
  readonly downloads: Slots;
}

/** Unpacks what has come while more is coming; the blob is whole and checked when the promise resolves. */
async function fetchAndUnpack(pull: LayerPull, { layer, active, downloads }: LayerWork): Promise<UnpackedLayer> {
  const arrival = new Arrival(layer.descriptor.size);
  const stopped = new AbortController();
  const signal = AbortSignal.any([stopped.signal, ...(pull.signal === undefined ? [] : [pull.signal])]);
  const begun = Promise.withResolvers<void>();
  const unpacking = begun.promise.then(() => unpackLayer({ ...pull, signal }, { layer, active, arrival }));
  unpacking.catch((error: unknown) => {
    // What is wrong with the bytes says more than what unpacking made of them; anything else need not wait for them.
    if (!BLAMES_BYTES.has(codeOf(error) ?? "")) stopped.abort(error);
  });
  using _first = arrival.watch(begun.resolve);
  try {
    await downloads.run(() => fetchLayer({ ...pull, signal }, layer, arrival));
  } catch (error) {
    // Whatever came first counts: an abort after one keeps its reason.
    stopped.abort(error);
    begun.resolve();
    await unpacking.catch(() => {});
    throw stopped.signal.reason;
  }
  begun.resolve();
  pull.trace.layerState(layer.descriptor.digest, "unpacking");
  return await unpacking;
}

const BLAMES_BYTES: ReadonlySet<string> = new Set<SnapshotErrorCode>(["LAYER_INVALID", "DIFF_ID_MISMATCH"]);

async function fetchLayer(pull: LayerPull, { descriptor }: Layer, arrival: Arrival): Promise<void> {
  const { context, repository, trace, signal } = pull;
  const { digest, size } = descriptor;
  signal?.throwIfAborted();
  await context.content.ingest({
    digest,
    size,
    source: (offset) => {
      trace.layerState(digest, "downloading");
      return repository.fetchBlob(descriptor, offset, signal);
    },
    onProgress: (bytes) => {
      trace.layerBytes(digest, bytes);
      arrival.advance(bytes);
    },
    signal,
  });
  await failpoint("pull.after-layer-fetch");
}

interface LayerToUnpack {
  readonly layer: Layer;
  readonly active: ActiveSnapshot;
  readonly arrival: Arrival;
}

async function unpackLayer({ context, signal }: LayerPull, work: LayerToUnpack): Promise<UnpackedLayer> {
  const { layer, active, arrival } = work;
  const { digest, size } = layer.descriptor;
  const { partial, whole } = context.content.pathsOf(digest);
  const job = {
    blobPath: whole,
    partialPath: partial,
    blobBytes: size,
    directory: active.directory,
    diffId: layer.diffId,
    maxBytes: Math.max(MAX_RATIO * size, MIN_LAYER_LIMIT),
    maxInodes: MAX_INODES,
  };
  return await context.unpacker.unpack(job, signal, arrival);
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

import type { Pod } from "../api/core-v1.gen.ts";
import type { Informer } from "../client/informer.ts";
import { formatPod, isMirrorPod, isStaticPod, type NodePod, nodePodOf, type PodRef } from "./node-pod.ts";
import { orphanPodOf } from "./orphans.ts";
import type { PodWorkers } from "./pod-workers.ts";
import type { FoundPod, PodLookup } from "./server/node-server.ts";
import type { MirrorPods } from "./sources/mirror-pods.ts";
import type { StatusManager } from "./status/status-manager.ts";

export interface PodManagerOptions {
  readonly informer: Informer<Pod>;
  readonly workers: PodWorkers;
  readonly statuses: StatusManager;
  readonly mirrors: MirrorPods;
  /** Whether `setStaticPods` will be called. */
  readonly hasStaticPods: boolean;
}

/** Knows which pods this node is to run: those bound to it in the API, and its static ones with their mirrors. */
export class PodManager implements PodLookup {
  readonly #options: PodManagerOptions;
  /** Static pods as their files have them now, by uid. */
  #staticPods: ReadonlyMap<string, NodePod> = new Map();
  #hasReadStaticPods = false;

  constructor(options: PodManagerOptions) {
    this.#options = options;
    options.informer.subscribe({
      onAdd: (pod) => this.#onApiPod(pod),
      onUpdate: (_, pod) => this.#onApiPod(pod),
      onDelete: (pod) => this.#onApiPodGone(pod),
    });
  }

  /** Whether all sources have told what they have. */
  get isSynced(): boolean {
    const { informer, hasStaticPods } = this.#options;
    return informer.isSynced && (!hasStaticPods || this.#hasReadStaticPods);
  }

  find(namespace: string, name: string): FoundPod | undefined {
    return this.list().find(({ pod }) => pod.namespace === namespace && pod.name === name);
  }

  list(): readonly FoundPod[] {
    const { workers, statuses } = this.#options;
    return workers.pods().map((pod) => ({ pod, status: statuses.get(pod.uid) }));
  }

  /** Takes up the static pods there are now. */
  setStaticPods(pods: readonly Pod[]): void {
    const nodePods = pods.map(nodePodOf);
    this.#hasReadStaticPods = true;
    const before = this.#staticPods;
    this.#staticPods = new Map(nodePods.map((pod) => [pod.uid, pod]));
    for (const uid of before.keys()) if (!this.#staticPods.has(uid)) this.#options.workers.remove(uid);
    this.#startStaticPods();
  }

  /** A worker has ended: what waited for its name may start, and a mirror without a pod goes. */
  onFinished(pod: NodePod): void {
    if (isStaticPod(pod)) void this.ensureMirrors();
    this.#startStaticPods();
  }

  /** Makes mirrors that are missing and removes those of pods that are gone. */
  async ensureMirrors(): Promise<void> {
    const { informer, mirrors } = this.#options;
    if (!this.isSynced) return;
    const wanted = [...this.#staticPods.values()];
    const left = informer.lister.list().filter(isMirrorPod);
    const orphans = left.filter((mirror) => !wanted.some((pod) => isNamedLike(pod, mirror)));
    await Promise.all([
      ...wanted.map((pod) => mirrors.ensure(pod.object, this.#mirrorOf(pod))),
      ...orphans.map((mirror) => mirrors.remove(mirror)),
    ]);
  }

  /** Ends what the runtime holds of pods that no source has. Only once `isSynced`: before, every pod looks like that. */
  removeOrphans(runtimePods: ReadonlyMap<string, PodRef>): void {
    const { workers } = this.#options;
    for (const [uid, ref] of runtimePods) {
      if (!workers.has(uid) && !this.#staticPods.has(uid)) workers.removeOrphan(orphanPodOf(ref));
    }
  }

  /** Returns the uid that the API knows a pod by: that of its mirror where it is static. */
  apiUidOf(ref: PodRef): string | undefined {
    const pod = this.#staticPods.get(ref.uid);
    return pod === undefined ? ref.uid : this.#mirrorOf(pod)?.metadata?.uid;
  }

  #onApiPod(object: Pod): void {
    if (isMirrorPod(object)) this.#onMirror(object);
    else if (!this.#isOver(object)) this.#options.workers.update(nodePodOf(object), object.status);
  }

  #onApiPodGone(object: Pod): void {
    if (isMirrorPod(object)) setTimeout(() => void this.ensureMirrors(), MIRROR_DELAY_MS).unref();
    else if (object.metadata?.uid !== undefined) this.#options.workers.remove(object.metadata.uid);
  }

  #onMirror(mirror: Pod): void {
    const pod = [...this.#staticPods.values()].find((candidate) => isNamedLike(candidate, mirror));
    if (pod === undefined || mirror.metadata?.deletionTimestamp !== undefined) {
      void this.ensureMirrors();
      return;
    }
    this.#options.workers.update(pod, mirror.status);
    this.#options.statuses.reconcile(pod.uid, mirror.status);
  }

  /** An update that is still under way when the pod has ended and its deletion is confirmed must not start it anew. */
  #isOver({ metadata }: Pod): boolean {
    return (
      metadata?.deletionTimestamp !== undefined &&
      metadata.deletionGracePeriodSeconds === 0 &&
      !this.#hasWorker(metadata.uid)
    );
  }

  #hasWorker(uid: string | undefined): boolean {
    return uid !== undefined && this.#options.workers.has(uid);
  }

  /** A changed file is a new pod under the old name: it starts when the old one has ended. */
  #startStaticPods(): void {
    const { workers } = this.#options;
    for (const pod of this.#staticPods.values()) {
      const isNameTaken = workers.pods().some((other) => other.uid !== pod.uid && nameOf(other) === nameOf(pod));
      if (!isNameTaken && !workers.has(pod.uid)) workers.update(pod, this.#mirrorOf(pod)?.status);
    }
    void this.ensureMirrors();
  }

  #mirrorOf(pod: NodePod): Pod | undefined {
    const mirror = this.#options.informer.lister.get({ namespace: pod.namespace, name: pod.name });
    return mirror !== undefined && isMirrorPod(mirror) ? mirror : undefined;
  }
}

/** How long a deleted mirror stays away, for whoever watches for its end. */
const MIRROR_DELAY_MS = 1000;

function isNamedLike(pod: PodRef, { metadata }: Pod): boolean {
  return metadata?.name === pod.name && metadata.namespace === pod.namespace;
}

function nameOf(pod: PodRef): string {
  return formatPod({ ...pod, uid: "" });
}

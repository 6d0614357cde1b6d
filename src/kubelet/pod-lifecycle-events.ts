import type { Clock } from "../base/clock.ts";
import { codeOf, messageOf } from "../base/coded-error.ts";
import type { Logger } from "../base/log.ts";
import type { RuntimeService } from "../cri/runtime-service.ts";
import type { PodRef } from "./node-pod.ts";
import { podRefOf } from "./runtime-labels.ts";

export interface LifecycleEventsOptions {
  readonly runtime: RuntimeService;
  /** Called with the uid of each pod whose sandboxes or containers have changed. */
  readonly onChange: (podUid: string) => void;
  /** Called after each look at everything, with the pods that the runtime holds. */
  readonly onRelist: (pods: ReadonlyMap<string, PodRef>) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Tells which pods have changed in the runtime until `signal` aborts: by the runtime's event stream, and by a look at everything now and
 * then, each second where there is no stream. Never throws.
 */
export async function watchPodLifecycle(options: LifecycleEventsOptions): Promise<void> {
  const state: LifecycleState = { hasStream: false, signatures: new Map(), owners: new Map() };
  await Promise.all([followEvents(options, state), relist(options, state)]);
}

const RELIST_MS = 10_000;
const RELIST_WITHOUT_STREAM_MS = 1000;

interface LifecycleState {
  hasStream: boolean;
  /** What was last seen of each pod, by uid. */
  signatures: ReadonlyMap<string, string>;
  /** Pod uids by sandbox id. */
  owners: ReadonlyMap<string, string>;
}

async function followEvents(options: LifecycleEventsOptions, state: LifecycleState): Promise<void> {
  const { runtime, clock, logger, signal } = options;
  while (!signal.aborted) {
    try {
      const events = runtime.getContainerEvents(signal);
      state.hasStream = true;
      for await (const { podSandboxId } of events) {
        const uid = state.owners.get(podSandboxId) ?? (await ownerOf(runtime, podSandboxId));
        if (uid !== undefined) options.onChange(uid);
      }
    } catch (error) {
      if (codeOf(error) === "UNIMPLEMENTED") {
        state.hasStream = false;
        return;
      }
      if (!signal.aborted) logger.warn({ error: messageOf(error) }, "stream of container events broke");
    }
    state.hasStream = false;
    await clock.sleep(RELIST_WITHOUT_STREAM_MS, signal).catch(() => undefined);
  }
}

/** Undefined where the sandbox is gone: whoever removed it knows. */
async function ownerOf(runtime: RuntimeService, podSandboxId: string): Promise<string | undefined> {
  try {
    return podRefOf((await runtime.podSandboxStatus(podSandboxId)).labels)?.uid;
  } catch {
    return undefined;
  }
}

async function relist(options: LifecycleEventsOptions, state: LifecycleState): Promise<void> {
  const { clock, logger, signal } = options;
  while (!signal.aborted) {
    try {
      await relistOnce(options, state);
    } catch (error) {
      logger.warn({ error: messageOf(error) }, "the runtime does not list its pods");
    }
    const waitMs = state.hasStream ? RELIST_MS : RELIST_WITHOUT_STREAM_MS;
    await clock.sleep(waitMs, signal).catch(() => undefined);
  }
}

async function relistOnce(
  { runtime, onChange, onRelist }: LifecycleEventsOptions,
  state: LifecycleState,
): Promise<void> {
  const [sandboxes, containers] = await Promise.all([runtime.listPodSandbox(), runtime.listContainers()]);
  const refs = [...sandboxes, ...containers].flatMap(({ id, state: now, labels }) => {
    const ref = podRefOf(labels);
    return ref === undefined ? [] : [{ ref, mark: `${id}=${now}` }];
  });
  const byUid = Map.groupBy(refs, ({ ref }) => ref.uid);
  const before = state.signatures;
  state.signatures = new Map(
    [...byUid].map(([uid, marks]) => [
      uid,
      marks
        .map(({ mark }) => mark)
        .toSorted()
        .join(),
    ]),
  );
  state.owners = new Map(sandboxes.flatMap(({ id, labels }) => ownerEntry(id, podRefOf(labels))));
  for (const uid of new Set([...before.keys(), ...state.signatures.keys()])) {
    if (before.get(uid) !== state.signatures.get(uid)) onChange(uid);
  }
  onRelist(new Map(refs.map(({ ref }) => [ref.uid, ref])));
}

function ownerEntry(sandboxId: string, ref: PodRef | undefined): readonly (readonly [string, string])[] {
  return ref === undefined ? [] : [[sandboxId, ref.uid]];
}

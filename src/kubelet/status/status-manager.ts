import type { PodStatus } from "../../api/core-v1.gen.ts";
import { PODS } from "../../api/resource-types.ts";
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/coded-error.ts";
import type { Logger } from "../../base/log.ts";
import { backoffDelay } from "../../base/retry.ts";
import type { RestClient } from "../../client/rest-client.ts";
import { isConflict, isNotFound } from "../../client/status-answer.ts";
import type { NodePod, PodRef } from "../node-pod.ts";
import { statusPatch } from "./status-patch.ts";

export interface StatusManagerOptions {
  readonly client: RestClient;
  /** Returns the uid that the API knows a pod by; undefined while it does not know the pod. */
  readonly apiUidOf: (pod: PodRef) => string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Brings the statuses of pods to the API server: the latest of each, one request at a time per pod, for as long as it takes. */
export class StatusManager {
  readonly #options: StatusManagerOptions;
  readonly #entries = new Map<string, StatusEntry>();

  constructor(options: StatusManagerOptions) {
    this.#options = options;
  }

  /** Returns the status last set for a pod. */
  get(uid: string): PodStatus | undefined {
    return this.#entries.get(uid)?.latest;
  }

  /** Notes a pod's status and sends it when it differs from what the API has. Never waits. */
  set(pod: NodePod, status: PodStatus, apiStatus: PodStatus | undefined): void {
    const entry = this.#entries.get(pod.uid) ?? { pod, latest: status, sent: apiStatus ?? {}, sending: undefined };
    this.#entries.set(pod.uid, Object.assign(entry, { pod, latest: status }));
    entry.sending ??= this.#send(entry).finally(() => {
      entry.sending = undefined;
    });
  }

  /** Compares with what the API has now, and sends what differs. Idempotent. */
  reconcile(uid: string, apiStatus: PodStatus | undefined): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined || entry.sending !== undefined) return;
    entry.sent = apiStatus ?? {};
    this.set(entry.pod, entry.latest, apiStatus);
  }

  /** Resolves when the latest status of a pod is with the API server, or the pod is not there any more. */
  async flush(uid: string): Promise<void> {
    await this.#entries.get(uid)?.sending;
  }

  forget(uid: string): void {
    this.#entries.delete(uid);
  }

  async #send(entry: StatusEntry): Promise<void> {
    for (let failures = 0; !this.#options.signal.aborted;) {
      const { latest, pod } = entry;
      const uid = this.#options.apiUidOf(pod);
      const patch = statusPatch(entry.sent, latest);
      if (uid === undefined || patch === undefined || this.#entries.get(pod.uid) !== entry) return;
      try {
        await this.#patch(pod, uid, patch);
        entry.sent = latest;
        failures = 0;
      } catch (error) {
        if (isNotFound(error) || isConflict(error)) return;
        await this.#wait(messageOf(error), pod, failures++);
      }
    }
  }

  async #patch(pod: NodePod, uid: string, status: object): Promise<void> {
    const { client, signal } = this.#options;
    const options = { kind: "strategic", subresource: "status", signal } as const;
    const { namespace, name } = pod;
    await client.patch(PODS, { namespace, name }, { metadata: { uid }, status }, options);
  }

  async #wait(reason: string, pod: NodePod, failures: number): Promise<void> {
    const { clock, logger, signal } = this.#options;
    if (signal.aborted) return;
    const fields = { pod: pod.name, namespace: pod.namespace, error: reason };
    logger.warn(fields, "status of the pod not sent, trying again");
    await clock
      .sleep(backoffDelay(failures, { initialMs: 100, maxMs: 10_000, jitter: 0.2 }), signal)
      .catch(() => undefined);
  }
}

interface StatusEntry {
  pod: NodePod;
  latest: PodStatus;
  /** What the API has, as far as is known. */
  sent: PodStatus;
  sending: Promise<void> | undefined;
}

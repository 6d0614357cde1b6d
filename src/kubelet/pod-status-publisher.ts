import type { PodStatus } from "../api/core-v1.gen.ts";
import { messageOf } from "../base/coded-error.ts";
import type { ContainerStartError } from "./container-start-error.ts";
import type { NodePod } from "./node-pod.ts";
import { deadlineOf } from "./pod-deadline.ts";
import { readPodRuntime } from "./pod-runtime.ts";
import type { PodServices } from "./pod-services.ts";
import { isTerminalPhase } from "./status/pod-phase.ts";
import { podStatusOf } from "./status/pod-status.ts";
import { TerminationMessages } from "./status/termination-messages.ts";

/** How a pod stands with its worker at one moment. */
export interface PodStanding {
  readonly pod: NodePod;
  readonly apiStatus: PodStatus | undefined;
  readonly startErrors: ReadonlyMap<string, ContainerStartError>;
  readonly starting: ReadonlySet<string>;
  /** Whether the pod will start no container any more. */
  readonly isEnding: boolean;
  /** Whether the pod's object is gone, so that nobody is told. */
  readonly isRemoved: boolean;
  readonly isInPass: boolean;
  /** Passes begun until now. */
  readonly passes: number;
}

export interface PodStatusPublisherOptions {
  readonly services: PodServices;
  readonly standing: () => PodStanding;
  readonly signal: AbortSignal;
}

/** Computes one pod's status from the runtime as it is, and hands it on, beside whatever its worker is doing. */
export class PodStatusPublisher {
  readonly #options: PodStatusPublisherOptions;
  readonly #messages = new TerminationMessages();
  readonly #startedAt: number;
  #isPublishing = false;
  #isDue = false;
  #begun = 0;
  #published = 0;

  constructor(options: PodStatusPublisherOptions) {
    this.#options = options;
    this.#startedAt = options.services.clock.now();
  }

  /** Publishes the status soon; calls while that is under way are answered by one more. */
  publish(): void {
    this.#isDue = true;
    if (!this.#isPublishing) void this.#publishWhileDue();
  }

  /** Computes and publishes the status, and returns it. */
  async publishNow(): Promise<PodStatus> {
    const { services, standing } = this.#options;
    const begun = ++this.#begun;
    const before = standing();
    const runtime = await readPodRuntime(services.runtime, before.pod.uid);
    const messages = await this.#messages.read(runtime);
    const now = standing();
    const { pod, apiStatus } = now;
    const last = withForeignConditions(services.statuses.get(pod.uid) ?? apiStatus ?? {}, apiStatus);
    const status = podStatusOf({
      ...now,
      runtime,
      messages,
      last,
      runtimeName: services.node.runtimeName,
      hostIps: services.node.hostIps,
      startedAt: this.#startedAt,
      now: services.clock.now(),
      // What was read while a pass is under way may be down only for the moment.
      mayEnd: !before.isInPass && before.passes === now.passes,
      verdict: this.#verdict(pod, last),
    });
    // One that began earlier saw an older runtime: it must not come after this one.
    if (now.isRemoved || begun < this.#published) return status;
    this.#published = begun;
    services.statuses.set(pod, status, apiStatus);
    return status;
  }

  async #publishWhileDue(): Promise<void> {
    const { services, standing, signal } = this.#options;
    this.#isPublishing = true;
    while (this.#isDue && !signal.aborted) {
      this.#isDue = false;
      try {
        await this.publishNow();
      } catch (error) {
        const { name, namespace } = standing().pod;
        services.logger.warn({ pod: name, namespace, error: messageOf(error) }, "status of the pod not computed");
      }
    }
    this.#isPublishing = false;
  }

  #verdict(pod: NodePod, last: PodStatus): Verdict | undefined {
    const deadline = deadlineOf(pod, last);
    const isPast = deadline !== undefined && this.#options.services.clock.now() >= deadline;
    if (!isPast || isTerminalPhase(last.phase)) return undefined;
    return { reason: "DeadlineExceeded", message: "Pod was active on the node longer than the specified deadline" };
  }
}

interface Verdict {
  readonly reason: string;
  readonly message: string;
}

/** Conditions that somebody else writes are taken from the API, ours from what was last computed. */
function withForeignConditions(last: PodStatus, api: PodStatus | undefined): PodStatus {
  const own = (last.conditions ?? []).filter(({ type }) => OWN_CONDITIONS.has(type));
  const foreign = (api?.conditions ?? []).filter(({ type }) => !OWN_CONDITIONS.has(type));
  return { ...last, conditions: [...own, ...foreign] };
}

const OWN_CONDITIONS: ReadonlySet<string> = new Set([
  "PodReadyToStartContainers",
  "Initialized",
  "Ready",
  "ContainersReady",
  "PodScheduled",
]);

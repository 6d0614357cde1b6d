import type { ContainerState, ContainerStatus, Pod } from "./core-v1.gen.ts";

/** A pod's state as `kubectl get pods` sums it up. */
export interface PodSummary {
  /** The STATUS column. */
  readonly status: string;
  readonly ready: number;
  readonly total: number;
  readonly restarts: number;
  /** When a container that counts was last restarted; RFC 3339. */
  readonly lastRestart: string | undefined;
}

/** Returns the STATUS column of a pod: its phase, or why a container of it does not run. */
export function podStatusText(pod: Pod): string {
  return podSummary(pod).status;
}

/** Returns what the columns READY, STATUS and RESTARTS of a pod say. */
export function podSummary(pod: Pod): PodSummary {
  const sidecars = sidecarNames(pod);
  const initialization = summarizeInit(pod, sidecars);
  const isInitialized = initialization.status === undefined || conditionIsTrue(pod, "Initialized");
  const regular = isInitialized ? summarizeRegular(pod) : undefined;
  const counted = isInitialized
    ? [...(pod.status?.containerStatuses ?? []), ...initialization.seen.filter(({ name }) => sidecars.has(name))]
    : initialization.seen;
  const status = regular?.status ?? initialization.status ?? phaseText(pod);
  return {
    status: deletionText(pod) ?? (regular === undefined ? status : runningText(pod, status, regular.ready > 0)),
    ready: initialization.ready + (regular?.ready ?? 0),
    total: (pod.spec?.containers ?? []).length + sidecars.size,
    restarts: counted.reduce((sum, container) => sum + container.restartCount, 0),
    lastRestart: latest(counted.map((container) => container.lastState?.terminated?.finishedAt)),
  };
}

function sidecarNames(pod: Pod): ReadonlySet<string> {
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === "Always");
  return new Set(sidecars.map((container) => container.name));
}

function phaseText(pod: Pod): string {
  const gated = pod.status?.conditions?.some(
    (condition) => condition.type === "PodScheduled" && condition.reason === "SchedulingGated",
  );
  if (gated === true) return "SchedulingGated";
  return pod.status?.reason ?? pod.status?.phase ?? "";
}

interface InitSummary {
  /** What holds the start up; undefined where nothing does. */
  readonly status: string | undefined;
  readonly ready: number;
  /** The containers up to the one that holds the start up. */
  readonly seen: readonly ContainerStatus[];
}

function summarizeInit(pod: Pod, sidecars: ReadonlySet<string>): InitSummary {
  const statuses = pod.status?.initContainerStatuses ?? [];
  let ready = 0;
  for (const [index, container] of statuses.entries()) {
    if (container.state?.terminated?.exitCode === 0) continue;
    if (sidecars.has(container.name) && container.started === true) {
      ready += Number(container.ready);
      continue;
    }
    const progress = `${index}/${(pod.spec?.initContainers ?? []).length}`;
    return { status: `Init:${initText(container.state) ?? progress}`, ready, seen: statuses.slice(0, index + 1) };
  }
  return { status: undefined, ready, seen: statuses };
}

function initText(state: ContainerState | undefined): string | undefined {
  if (state?.terminated !== undefined) return terminatedText(state.terminated);
  const reason = state?.waiting?.reason ?? "";
  return reason === "" || reason === "PodInitializing" ? undefined : reason;
}

/** The first container that waits or has ended gives the status. */
function summarizeRegular(pod: Pod): { readonly status: string | undefined; readonly ready: number } {
  const statuses = pod.status?.containerStatuses ?? [];
  const texts = statuses.map(({ state }) => {
    const waiting = state?.waiting?.reason ?? "";
    if (waiting !== "") return waiting;
    return state?.terminated === undefined ? undefined : terminatedText(state.terminated);
  });
  const ready = statuses.filter(
    (container, index) => texts[index] === undefined && container.ready && container.state?.running !== undefined,
  );
  return { status: texts.find((text) => text !== undefined), ready: ready.length };
}

function terminatedText(terminated: NonNullable<ContainerState["terminated"]>): string {
  if ((terminated.reason ?? "") !== "") return terminated.reason ?? "";
  const signal = terminated.signal ?? 0;
  return signal === 0 ? `ExitCode:${terminated.exitCode}` : `Signal:${signal}`;
}

/** A pod of which one container has completed still runs while another does. */
function runningText(pod: Pod, status: string, hasRunning: boolean): string {
  if (status !== "Completed" || !hasRunning) return status;
  return conditionIsTrue(pod, "Ready") ? "Running" : "NotReady";
}

function deletionText(pod: Pod): string | undefined {
  if (pod.metadata?.deletionTimestamp === undefined) return undefined;
  if (pod.status?.reason === "NodeLost") return "Unknown";
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed" ? undefined : "Terminating";
}

function conditionIsTrue(pod: Pod, type: string): boolean {
  return pod.status?.conditions?.some((condition) => condition.type === type && condition.status === "True") === true;
}

function latest(times: readonly (string | undefined)[]): string | undefined {
  return times
    .filter((time) => time !== undefined)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .at(-1);
}

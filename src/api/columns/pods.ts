import type { Pod } from "../core-v1.gen.ts";
import { ageText } from "../human-duration.ts";
import type { TableRowCondition } from "../meta-v1.gen.ts";
import { podSummary, type PodSummary } from "../pod-status.ts";
import { AGE_COLUMN, ageCell, column, type KindColumns, NAME_COLUMN, nameCell } from "./column.ts";

/** The columns of pods. */
export const POD_COLUMNS: KindColumns<Pod> = {
  columns: [
    NAME_COLUMN,
    column("Ready", "The aggregate readiness state of this pod for accepting traffic."),
    column("Status", "The aggregate status of the containers in this pod."),
    column(
      "Restarts",
      "The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.",
    ),
    AGE_COLUMN,
    column("IP", "IP address allocated to the pod.", { priority: 1 }),
    column("Node", "NodeName indicates in which node this pod is scheduled.", { priority: 1 }),
    column("Nominated Node", "The node that lower priority pods are removed from for this pod.", { priority: 1 }),
    column("Readiness Gates", "The conditions beyond its containers' readiness that make this pod ready.", {
      priority: 1,
    }),
  ],
  cells: (pod, now) => {
    const summary = podSummary(pod);
    return [
      nameCell(pod),
      `${summary.ready}/${summary.total}`,
      summary.status,
      restartsText(summary, now),
      ageCell(pod, now),
      pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP ?? NONE,
      pod.spec?.nodeName ?? NONE,
      pod.status?.nominatedNodeName ?? NONE,
      readinessGatesText(pod),
    ];
  },
  conditions: completedConditions,
};

const NONE = "<none>";

function restartsText({ restarts, lastRestart }: PodSummary, now: number): string {
  return restarts === 0 || lastRestart === undefined ? `${restarts}` : `${restarts} (${ageText(lastRestart, now)} ago)`;
}

function readinessGatesText(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return NONE;
  const met = gates.filter((gate) =>
    pod.status?.conditions?.some(({ type, status }) => type === gate.conditionType && status === "True"),
  );
  return `${met.length}/${gates.length}`;
}

function completedConditions(pod: Pod): readonly TableRowCondition[] {
  const { phase } = pod.status ?? {};
  if (phase !== "Succeeded" && phase !== "Failed") return [];
  const message = phase === "Succeeded" ? "The pod has completed successfully." : "The pod failed.";
  return [{ type: "Completed", status: "True", reason: phase, message }];
}

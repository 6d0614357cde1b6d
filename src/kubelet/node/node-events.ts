import type { NodeCondition, NodeStatus } from "../../api/core-v1.gen.ts";
import type { EventRecorder } from "../../client/event-recorder.ts";

/** Records what happens to the node itself. */
export interface NodeEvents {
  starting(): void;
  /** Tells the conditions that are not as they were. */
  changed(before: NodeStatus | undefined, after: NodeStatus): void;
  /** Tells what the node's administrator should see to. */
  warning(reason: string, message: string): void;
}

/** Returns a recorder of events about a node. Their uid is the node's name, which is what clients look them up by. */
export function createNodeEvents(recorder: Pick<EventRecorder, "record">, nodeName: string): NodeEvents {
  const object = { kind: "Node", name: nodeName, uid: nodeName };
  return {
    starting: () => recorder.record(object, { type: "Normal", reason: "Starting", message: "Starting kubelet." }),
    warning: (reason, message) => recorder.record(object, { type: "Warning", reason, message }),
    changed: (before, after) => {
      for (const condition of after.conditions ?? []) {
        const reason = reasonOf(condition);
        const known = before?.conditions?.find(({ type }) => type === condition.type);
        if (reason === undefined || known?.status === condition.status) continue;
        recorder.record(object, { type: "Normal", reason, message: `Node ${nodeName} status is now: ${reason}` });
      }
    },
  };
}

function reasonOf({ type, status }: NodeCondition): string | undefined {
  const [isTrue, isFalse] = REASONS[type] ?? [];
  if (status === "True") return isTrue;
  return status === "False" ? isFalse : undefined;
}

const REASONS: Readonly<Record<string, readonly [isTrue: string, isFalse: string]>> = {
  MemoryPressure: ["NodeHasInsufficientMemory", "NodeHasSufficientMemory"],
  DiskPressure: ["NodeHasDiskPressure", "NodeHasNoDiskPressure"],
  PIDPressure: ["NodeHasInsufficientPID", "NodeHasSufficientPID"],
  Ready: ["NodeReady", "NodeNotReady"],
};

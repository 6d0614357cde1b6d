import type { NodeCondition } from "../../api/core-v1.gen.ts";
import type { RuntimeStatus } from "../../cri/runtime-service.ts";
import type { HostPressure } from "./host-info.ts";
import { RESERVED_MEMORY_BYTES } from "./node-resources.ts";

export interface NodeConditionsInput {
  /** What the runtime says, or why it says nothing. */
  readonly runtime: RuntimeStatus | { readonly error: string };
  readonly pressure: HostPressure;
  readonly previous: readonly NodeCondition[];
  /** Time of this report, as the API writes it. */
  readonly now: string;
}

/** Returns a node's conditions, worded as the kubelet words them; a transition time changes only with the status. */
export function nodeConditionsOf(input: NodeConditionsInput): NodeCondition[] {
  const { pressure, runtime, previous, now } = input;
  const own = [memory(pressure), disk(pressure), processes(pressure), ready(runtime)].map((finding) => {
    const before = previous.find(({ type }) => type === finding.type);
    const lastTransitionTime = before?.status === finding.status ? (before.lastTransitionTime ?? now) : now;
    return { ...finding, lastHeartbeatTime: now, lastTransitionTime };
  });
  return [...previous.filter(({ type }) => !own.some((condition) => condition.type === type)), ...own];
}

type Finding = Pick<NodeCondition, "type" | "status" | "reason" | "message">;

function memory({ availableMemoryBytes: available }: HostPressure): Finding {
  return pressureFinding("MemoryPressure", available !== undefined && available < RESERVED_MEMORY_BYTES, {
    calm: ["KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
    pressed: ["KubeletHasInsufficientMemory", "kubelet has insufficient memory available"],
  });
}

function disk({ filesystem }: HostPressure): Finding {
  const isShort =
    filesystem !== undefined &&
    (filesystem.availableBytes < 0.1 * filesystem.capacityBytes ||
      // File systems that make inodes as they need them count none.
      (filesystem.inodes > 0 && filesystem.freeInodes < 0.05 * filesystem.inodes));
  return pressureFinding("DiskPressure", isShort, {
    calm: ["KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
    pressed: ["KubeletHasDiskPressure", "kubelet has disk pressure"],
  });
}

function processes({ processes: counted }: HostPressure): Finding {
  const isShort = counted !== undefined && counted.running > 0.95 * counted.max;
  return pressureFinding("PIDPressure", isShort, {
    calm: ["KubeletHasSufficientPID", "kubelet has sufficient PID available"],
    pressed: ["KubeletHasInsufficientPID", "kubelet has insufficient PID available"],
  });
}

interface PressureWords {
  readonly calm: readonly [reason: string, message: string];
  readonly pressed: readonly [reason: string, message: string];
}

function pressureFinding(type: string, isPressed: boolean, words: PressureWords): Finding {
  const [reason, message] = isPressed ? words.pressed : words.calm;
  return { type, status: isPressed ? "True" : "False", reason, message };
}

function ready(runtime: NodeConditionsInput["runtime"]): Finding {
  const problems = "error" in runtime ? [`container runtime is down: ${runtime.error}`] : problemsOf(runtime);
  if (problems.length === 0) {
    return { type: "Ready", status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" };
  }
  const message = problems.length === 1 ? problems.join("") : `[${problems.join(", ")}]`;
  return { type: "Ready", status: "False", reason: "KubeletNotReady", message };
}

function problemsOf({ conditions }: RuntimeStatus): readonly string[] {
  return (["RuntimeReady", "NetworkReady"] as const).flatMap((type) => {
    const condition = conditions.find((candidate) => candidate.type === type);
    if (condition?.status === true) return [];
    const subject = type === "RuntimeReady" ? "container runtime not ready" : "container runtime network not ready";
    return [`${subject}: ${type}=false reason:${condition?.reason ?? ""} message:${condition?.message ?? ""}`];
  });
}

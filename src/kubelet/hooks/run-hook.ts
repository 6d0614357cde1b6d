import type { LifecycleHandler } from "../../api/core-v1.gen.ts";
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/coded-error.ts";
import type { RuntimeService } from "../../cri/runtime-service.ts";
import { formatPod, type NodePod } from "../node-pod.ts";
import { type HttpHookTarget, requestHook } from "./http-hook.ts";

export interface HookRequest {
  readonly pod: NodePod;
  readonly containerName: string;
  readonly containerId: string;
  readonly podIp: string | undefined;
  readonly signal: AbortSignal;
}

export interface HookRunner {
  /** Runs a hook to its end. Throws `HookError`; its message may quote the hook's output and belongs into a status, not into events. */
  run(handler: LifecycleHandler, request: HookRequest): Promise<void>;
}

/** A lifecycle hook that failed. */
export class HookError extends Error {
  override readonly name = "HookError";
}

/** Returns what runs lifecycle hooks: commands by the runtime, requests and waits by itself. */
export function createHookRunner({ runtime, clock }: HookRunnerOptions): HookRunner {
  return {
    run: async (handler, request) => {
      const { exec, httpGet, sleep } = handler;
      if (exec !== undefined) return await runExec(runtime, exec.command ?? [], request);
      if (httpGet !== undefined) return await runHttpGet({ ...httpGet, defaultHost: request.podIp }, request);
      if (sleep !== undefined) return await clock.sleep(sleep.seconds * 1000, request.signal);
      throw new HookError(`invalid handler: ${JSON.stringify(Object.keys(handler))}`);
    },
  };
}

export interface HookRunnerOptions {
  readonly runtime: RuntimeService;
  readonly clock: Clock;
}

async function runExec(runtime: RuntimeService, command: readonly string[], request: HookRequest): Promise<void> {
  const subject = `Exec lifecycle hook (${formatList(command)}) ${describe(request)}`;
  const result = await runtime.execSync(request.containerId, command, 0).catch((error: unknown) => {
    throw new HookError(`${subject} - error: ${messageOf(error)}, message: ""`, { cause: error });
  });
  if (result.exitCode === 0) return;
  const output = Buffer.concat([result.stdout, result.stderr]).subarray(0, MAX_OUTPUT_BYTES).toString("utf8");
  const error = `command '${command.join(" ")}' exited with ${result.exitCode}: ${output}`;
  throw new HookError(`${subject} - error: ${error}, message: ${JSON.stringify(output)}`);
}

const MAX_OUTPUT_BYTES = 10 * 1024;

async function runHttpGet(action: Omit<HttpHookTarget, "ports">, request: HookRequest): Promise<void> {
  const container = [...request.pod.spec.containers, ...(request.pod.spec.initContainers ?? [])].find(
    ({ name }) => name === request.containerName,
  );
  try {
    await requestHook({ ...action, ports: container?.ports ?? [] }, request.signal);
  } catch (error) {
    const subject = `HTTP lifecycle hook (${action.path ?? ""}) ${describe(request)}`;
    throw new HookError(`${subject} - error: ${messageOf(error)}, message: ""`, { cause: error });
  }
}

function describe({ pod, containerName }: HookRequest): string {
  return `for Container "${containerName}" in Pod "${formatPod(pod)}" failed`;
}

/** As Go prints a list of strings. */
function formatList(words: readonly string[]): string {
  return `[${words.join(" ")}]`;
}

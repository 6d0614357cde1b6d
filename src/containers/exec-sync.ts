import { run, type RunResult } from "../base/process/run.ts";
import { CriError } from "../cri/cri-error.ts";
import type { ExecSyncResult } from "../cri/runtime-service.ts";
import { execArguments, killExec, prepareExec, removeExec } from "../runtime/exec.ts";
import type { Engine } from "./engine.ts";
import type { ContainerRecord } from "./engine-records.ts";

export interface ExecSyncRequest {
  readonly containerId: string;
  readonly command: readonly string[];
  /** 0 for none. */
  readonly timeoutSeconds: number;
}

/** Runs a command to its end and collects what it wrote. Throws `CriError` (`DEADLINE_EXCEEDED` past its time, killed then). */
export async function execSync(engine: Engine, request: ExecSyncRequest): Promise<ExecSyncResult> {
  const { containerId, command, timeoutSeconds } = request;
  runningContainer(engine, containerId);
  const { directories, oci } = engine.runtime;
  const files = await prepareExec({ directories, containerId, command, terminal: false });
  // Asked afterwards rather than the clock: a timer may be a little early by that.
  let isKilled = false;
  const kill = (): void => {
    isKilled = true;
    killExec(files);
  };
  const timer = timeoutSeconds > 0 ? setTimeout(kill, timeoutSeconds * 1000) : undefined;
  try {
    const result = await run(execArguments(oci, containerId, files), { maxOutputBytes: MAX_OUTPUT_BYTES });
    if (isKilled) throw timedOut(request);
    return execResult(result);
  } finally {
    clearTimeout(timer);
    removeExec(files);
  }
}

/** Returns a container's record. Throws `CriError` (`NOT_FOUND`, or `FAILED_PRECONDITION` where it does not run). */
export function runningContainer(engine: Engine, id: string): ContainerRecord {
  const record = engine.containers.get(id);
  if (record.state === "CONTAINER_RUNNING") return record;
  throw new CriError("FAILED_PRECONDITION", `Cannot run a command in "${id}": the container is not running`);
}

// CRI's limit for each stream.
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

function execResult({ stdout, stderr, exitCode }: RunResult): ExecSyncResult {
  return { stdout, stderr, exitCode };
}

function timedOut({ containerId, timeoutSeconds }: ExecSyncRequest): CriError {
  const reason = `timeout ${timeoutSeconds}s exceeded`;
  return new CriError("DEADLINE_EXCEEDED", `Cannot run a command in "${containerId}": ${reason}`);
}

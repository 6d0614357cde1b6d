import { readdir } from "node:fs/promises";
import { join } from "node:path";

import type { ImageSpec } from "../../cri/image-spec.ts";
import type { ContainerConfig, Mount } from "../../cri/runtime-service.ts";
import type { NodePod, PodContainer } from "../node-pod.ts";
import { containerAnnotations, containerLabels } from "../runtime-labels.ts";
import { expandVariables } from "./expansion.ts";
import { containerResources } from "./resources.ts";
import { containerSecurityContext } from "./security-context.ts";

export interface ContainerConfigRequest {
  readonly pod: NodePod;
  readonly container: PodContainer;
  readonly image: ImageSpec;
  readonly restartCount: number;
  readonly variables: ReadonlyMap<string, string>;
  readonly mounts: readonly Mount[];
  readonly node: { readonly memoryBytes: number };
  readonly seccompDir: string;
}

/** Returns what the runtime is asked to create. */
export function containerConfigOf(request: ContainerConfigRequest): ContainerConfig {
  const { pod, container, image, restartCount, variables, mounts, node, seccompDir } = request;
  const { spec } = container;
  const expand = (text: string) => expandVariables(text, (name) => variables.get(name));
  const stopSignal = spec.lifecycle?.stopSignal;
  return {
    metadata: { name: spec.name, attempt: restartCount },
    image,
    command: (spec.command ?? []).map(expand),
    args: (spec.args ?? []).map(expand),
    workingDir: spec.workingDir ?? "",
    envs: [...variables].map(([key, value]) => ({ key, value })),
    mounts,
    devices: [],
    labels: containerLabels(pod, spec.name),
    annotations: containerAnnotations(pod, container, restartCount),
    logPath: join(spec.name, `${restartCount}.log`),
    stdin: spec.stdin ?? false,
    stdinOnce: spec.stdinOnce ?? false,
    tty: spec.tty ?? false,
    linux: {
      resources: containerResources(pod, spec, node),
      securityContext: containerSecurityContext(pod, container, seccompDir),
    },
    ...(stopSignal === undefined ? {} : { stopSignal }),
  };
}

/**
 * Returns the number of restarts that logs in a container's log directory tell of, so that a log is never written twice where the runtime
 * has lost the container. 0 where there are none.
 */
export async function restartCountFromLogs(logDirectory: string): Promise<number> {
  const names = await readdir(logDirectory).catch(() => []);
  const numbers = names.flatMap((name) => /^(\d{1,9})\.log/.exec(name)?.[1] ?? []).map(Number);
  return numbers.length === 0 ? 0 : Math.max(...numbers) + 1;
}

import { createHash } from "node:crypto";

import type { Pod } from "../../api/core-v1.gen.ts";
import { CodedError, messageOf } from "../../base/coded-error.ts";
import { HASH_ANNOTATION, SOURCE_ANNOTATION } from "../node-pod.ts";

/** A static pod's file that is no usable pod. */
export class StaticPodError extends CodedError<"INVALID_MANIFEST"> {}

export interface StaticPodRequest {
  readonly path: string;
  readonly text: string;
  readonly nodeName: string;
  /** Fills in what a manifest leaves out, as the API server does for other pods. */
  readonly applyDefaults: (pod: Pod) => Pod;
}

/**
 * Returns the pod that a manifest file describes, named after its node. Its uid follows from path, node and content: a changed file is
 * another pod. Throws `StaticPodError`.
 */
export async function parseStaticPod({ path, text, nodeName, applyDefaults }: StaticPodRequest): Promise<Pod> {
  const pod = await parseManifest(path, text);
  const name = pod.metadata?.name;
  if (name === undefined || name === "") throw invalid(path, "metadata.name is missing");
  if (pod.spec === undefined) throw invalid(path, "spec is missing");
  const hash = createHash("sha256")
    .update(JSON.stringify([nodeName, path, text]))
    .digest("hex")
    .slice(0, 32);
  const annotations = { ...pod.metadata?.annotations, [HASH_ANNOTATION]: hash, [SOURCE_ANNOTATION]: "file" };
  const tolerations = [...(pod.spec.tolerations ?? []), { operator: "Exists", effect: "NoExecute" }];
  return applyDefaults({
    ...pod,
    metadata: {
      ...pod.metadata,
      name: `${name}-${nodeName.toLowerCase()}`,
      namespace: pod.metadata?.namespace ?? "default",
      uid: pod.metadata?.uid ?? hash,
      annotations,
    },
    spec: { ...pod.spec, nodeName, tolerations },
  });
}

async function parseManifest(path: string, text: string): Promise<Pod> {
  const value = await parseText(path, text);
  if (typeof value !== "object" || value === null) throw invalid(path, "it is not an object");
  const pod = value as Pod;
  if (pod.kind !== "Pod" || pod.apiVersion !== "v1") throw invalid(path, 'it is not a "v1" "Pod"');
  return pod;
}

async function parseText(path: string, text: string): Promise<unknown> {
  try {
    if (text.trimStart().startsWith("{")) return JSON.parse(text) as unknown;
    const { parse } = await import("yaml");
    return parse(text, { maxAliasCount: 100 }) as unknown;
  } catch (error) {
    throw invalid(path, messageOf(error), error);
  }
}

function invalid(path: string, reason: string, cause?: unknown): StaticPodError {
  return new StaticPodError("INVALID_MANIFEST", `Cannot use the static pod "${path}": ${reason}`, { cause });
}

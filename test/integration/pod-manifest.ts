import type { Container, Pod, PodSpec } from "../../src/api/core-v1.gen.ts";

/** The few things in which the pods of the scenarios differ. */
export interface PodSketch {
  readonly name: string;
  readonly namespace?: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly policy?: "Always" | "IfNotPresent" | "Never";
  readonly pullSecrets?: readonly string[];
  readonly restartPolicy?: "Always" | "OnFailure" | "Never";
  /** What else the container has. */
  readonly container?: Partial<Container>;
  /** What else the pod has. */
  readonly spec?: Partial<PodSpec>;
}

/** Returns a pod of one container named `main` that does not restart unless asked to. */
export function podManifest(sketch: PodSketch): Pod {
  const { command, namespace, policy, pullSecrets } = sketch;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: sketch.name, ...(namespace === undefined ? {} : { namespace }) },
    spec: {
      restartPolicy: sketch.restartPolicy ?? "Never",
      ...(pullSecrets === undefined ? {} : { imagePullSecrets: pullSecrets.map((name) => ({ name })) }),
      containers: [
        {
          name: "main",
          image: sketch.image,
          ...(command === undefined ? {} : { command: [...command] }),
          ...(policy === undefined ? {} : { imagePullPolicy: policy }),
          ...sketch.container,
        },
      ],
      ...sketch.spec,
    },
  };
}

/** A command that goes on until it is told to stop, and then stops at once. */
export const SLEEP: readonly string[] = ["sh", "-c", "trap 'exit 0' TERM; echo started; while :; do sleep 0.1; done"];

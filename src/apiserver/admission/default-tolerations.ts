import type { Pod, Toleration } from "../../api/core-v1.gen.ts";
import { PODS } from "../../api/resource-types.ts";
import type { AdmissionPlugin } from "./admission.ts";

const KEYS = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] as const;
const SECONDS = 300;

/** Lets each pod stay for five minutes on a node that stopped answering, unless the pod says otherwise. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: "DefaultTolerationSeconds",
  admit: ({ operation, type, subresource, object }) => {
    const { spec } = object as Pod;
    if (operation === "DELETE" || type.kind !== PODS.kind || subresource !== undefined || spec === undefined) {
      return Promise.resolve();
    }
    const given = spec.tolerations ?? [];
    const missing = KEYS.filter((key) => !given.some((toleration) => tolerates(toleration, key)));
    spec.tolerations = [...given, ...missing.map(toleration)];
    return Promise.resolve();
  },
};

function tolerates({ key = "", effect = "" }: Toleration, taint: string): boolean {
  return (key === taint || key === "") && (effect === "NoExecute" || effect === "");
}

function toleration(key: string): Toleration {
  return { key, operator: "Exists", effect: "NoExecute", tolerationSeconds: SECONDS };
}

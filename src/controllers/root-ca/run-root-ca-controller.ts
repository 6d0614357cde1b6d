import { CONFIG_MAPS } from "../../api/resource-types.ts";
import type { ControllerContext } from "../controller.ts";
import { keepInNamespaces } from "../keep-in-namespaces.ts";

const NAME = "kube-root-ca.crt";
const DESCRIPTION =
  "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service " +
  "IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

/** Gives each namespace the ConfigMap from which pods learn the authority of the API server's certificate (PEM). */
export async function runRootCaController(context: ControllerContext, rootCa: string): Promise<void> {
  const data = { "ca.crt": rootCa };
  await keepInNamespaces(context, {
    controller: "root-ca",
    type: CONFIG_MAPS,
    name: NAME,
    make: (namespace) => ({
      metadata: { name: NAME, namespace, annotations: { "kubernetes.io/description": DESCRIPTION } },
      data,
    }),
    correct: (present) => (present.data?.["ca.crt"] === rootCa ? undefined : { ...present, data }),
  });
}

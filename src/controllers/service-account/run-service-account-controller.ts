import { SERVICE_ACCOUNTS } from "../../api/resource-types.ts";
import type { ControllerContext } from "../controller.ts";
import { keepInNamespaces } from "../keep-in-namespaces.ts";

/** Gives each namespace its service account `default`, without which no pod can be made there. */
export async function runServiceAccountController(context: ControllerContext): Promise<void> {
  await keepInNamespaces(context, {
    controller: "service-account",
    type: SERVICE_ACCOUNTS,
    name: "default",
    make: (namespace) => ({ metadata: { name: "default", namespace } }),
  });
}

import type { Namespace } from "../core-v1.gen.ts";
import { atIndex, invalid } from "../field-error.ts";
import { checkText, type FieldErrors } from "./checks.ts";
import { labelKeyFaults } from "./names.ts";

/** Checks a namespace. */
export function* validateNamespace(namespace: Namespace): FieldErrors {
  for (const [index, finalizer] of (namespace.spec?.finalizers ?? []).entries()) {
    const path = atIndex("spec.finalizers", index);
    yield* checkText(path, finalizer, labelKeyFaults);
    if (!finalizer.includes("/") && finalizer !== "kubernetes") {
      yield invalid(path, finalizer, "name is neither a standard finalizer name nor is it fully qualified");
    }
  }
}

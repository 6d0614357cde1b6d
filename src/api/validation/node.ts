import type { Node } from "../core-v1.gen.ts";
import { at, atIndex, atKey, duplicate, forbidden, invalid } from "../field-error.ts";
import { parseQuantity } from "../quantity.ts";
import { checkChoice, checkText, type FieldErrors } from "./checks.ts";
import { labelKeyFaults, labelValueFaults } from "./names.ts";

/** Checks a new node. */
export function* validateNode(node: Node): FieldErrors {
  const seen = new Set<string>();
  for (const [index, { key, value = "", effect }] of (node.spec?.taints ?? []).entries()) {
    const path = atIndex("spec.taints", index);
    yield* checkText(at(path, "key"), key, labelKeyFaults);
    yield* checkText(at(path, "value"), value, labelValueFaults);
    yield* checkChoice(at(path, "effect"), effect, ["NoSchedule", "PreferNoSchedule", "NoExecute"]);
    if (seen.has(`${key}:${effect}`)) yield duplicate(path, `${key}:${effect}`);
    seen.add(`${key}:${effect}`);
  }
  for (const field of ["capacity", "allocatable"] as const) {
    for (const [name, quantity] of Object.entries(node.status?.[field] ?? {})) {
      if (parseQuantity(quantity).nanos >= 0n) continue;
      yield invalid(atKey(`status.${field}`, name), quantity, "must be greater than or equal to 0");
    }
  }
}

/** Checks a change of a node. */
export function* validateNodeUpdate(node: Node, before: Node): FieldErrors {
  yield* validateNode(node);
  const cidrs = before.spec?.podCIDRs ?? [];
  if (cidrs.length > 0 && cidrs.join() !== (node.spec?.podCIDRs ?? []).join()) {
    yield forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid');
  }
  const provider = before.spec?.providerID ?? "";
  if (provider !== "" && provider !== node.spec?.providerID) {
    yield forbidden("spec.providerID", 'node updates may not change providerID except from "" to valid');
  }
}

import type { ResourceRequirements } from "../core-v1.gen.ts";
import { at, atKey, forbidden, invalid, required } from "../field-error.ts";
import { compareQuantities, parseQuantity } from "../quantity.ts";
import { checkText, type FieldErrors } from "./checks.ts";
import { labelKeyFaults } from "./names.ts";

/** Checks what a container asks for and may use at most. */
export function* validateResources(resources: ResourceRequirements, path: string): FieldErrors {
  const { limits = {}, requests = {} } = resources;
  for (const [name, quantity] of Object.entries(limits)) {
    yield* validateQuantity(name, quantity, atKey(at(path, "limits"), name));
  }
  for (const [name, quantity] of Object.entries(requests)) {
    yield* validateQuantity(name, quantity, atKey(at(path, "requests"), name));
    const limit = Object.hasOwn(limits, name) ? limits[name] : undefined;
    yield* compareWithLimit(name, quantity, limit, at(path, "requests"));
  }
  yield* checkHugePages([...Object.keys(limits), ...Object.keys(requests)], limits, path);
}

/** Says whether limits may not be higher than requests: hugepages and everything that is not Kubernetes' own. */
function isOvercommitForbidden(name: string): boolean {
  return name.startsWith("hugepages-") || isExtended(name);
}

const STANDARD: ReadonlySet<string> = new Set(["cpu", "memory", "ephemeral-storage"]);

function isExtended(name: string): boolean {
  return name.includes("/") && !name.includes("kubernetes.io/") && !name.startsWith("requests.");
}

function* validateQuantity(name: string, quantity: string, path: string): FieldErrors {
  yield* validateName(name, path);
  const { nanos } = parseQuantity(quantity);
  if (nanos < 0n) yield invalid(path, quantity, "must be greater than or equal to 0");
  if (isOvercommitForbidden(name) && nanos % 1_000_000_000n !== 0n) yield invalid(path, quantity, "must be an integer");
}

function* validateName(name: string, path: string): FieldErrors {
  yield* checkText(path, name, labelKeyFaults);
  if (name.includes("/") || STANDARD.has(name) || name.startsWith("hugepages-")) return;
  yield invalid(path, name, "must be a standard resource type or fully qualified");
  yield invalid(path, name, "must be a standard resource for containers");
}

function* compareWithLimit(name: string, quantity: string, limit: string | undefined, path: string): FieldErrors {
  if (limit === undefined) {
    if (isOvercommitForbidden(name))
      yield required(
        at(path.replace(/\.requests$/, ""), "limits"),
        "Limit must be set for non overcommitable resources",
      );
    return;
  }
  const order = compareQuantities(quantity, limit);
  if (order !== 0 && isOvercommitForbidden(name))
    yield invalid(path, quantity, `must be equal to ${name} limit of ${limit}`);
  else if (order > 0) yield invalid(path, quantity, `must be less than or equal to ${name} limit of ${limit}`);
}

function* checkHugePages(
  names: readonly string[],
  limits: Readonly<Record<string, string>>,
  path: string,
): FieldErrors {
  const wanted = names.some((name) => name.startsWith("hugepages-"));
  if (!wanted || ["cpu", "memory"].some((name) => Object.hasOwn(limits, name) || names.includes(name))) return;
  yield forbidden(path, "HugePages require cpu or memory");
}

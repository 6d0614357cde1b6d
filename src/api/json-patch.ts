import { applyPatch, type Operation, Pointer } from "rfc6902";
import { badRequestStatus, StatusError } from "./status.ts";

/**
 * Returns `target` changed by a JSON patch (RFC 6902); `target` stays as it is. Throws `StatusError`: `BadRequest` for what is
 * no patch, `RequestEntityTooLarge` beyond 10 000 operations or 3 MiB of copies, `Invalid` where an operation fails.
 */
export function applyJsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequestStatus("error decoding patch: a JSON patch is a list of operations");
  if (patch.length > MAX_OPERATIONS) {
    const message = `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`;
    throw new StatusError("RequestEntityTooLarge", message);
  }
  // The root may be replaced as a whole, so it stands in a holder of its own.
  const holder = { root: structuredClone(target) };
  let copied = 0;
  for (const [index, operation] of patch.entries()) {
    const checked = checkedOperation(operation, index);
    if (checked.op === "copy") copied += sizeAt(holder.root, checked.from);
    if (copied > MAX_COPIED_BYTES) throw new StatusError("RequestEntityTooLarge", "the JSON patch copies too much");
    applyOperation(holder, checked);
  }
  return holder.root;
}

const MAX_OPERATIONS = 10_000;
const MAX_COPIED_BYTES = 3 * 1024 * 1024;
const OPERATIONS = ["add", "remove", "replace", "move", "copy", "test"] as const;

function applyOperation(holder: { root: unknown }, operation: Operation): void {
  const inHolder = {
    ...operation,
    path: `/root${operation.path}`,
    ...("from" in operation ? { from: `/root${operation.from}` } : {}),
  } as Operation;
  const [error] = applyPatch(holder, [inHolder]);
  if (error === null || error === undefined) return;
  const reason = operation.op === "test" ? "testing value failed" : "the path does not exist";
  throw new StatusError(
    "Invalid",
    `the server rejected our request due to an error in our request: ${operation.op} operation at "${operation.path}": ${reason}`,
  );
}

function checkedOperation(operation: unknown, index: number): Operation {
  const { op, path, from } = isObject(operation) ? operation : {};
  const known = OPERATIONS.find((candidate) => candidate === op);
  if (known === undefined || !isPointer(path) || !isObject(operation)) {
    throw badRequestStatus(`error decoding patch: operation ${index} has no known op or no valid path`);
  }
  if ((known === "move" || known === "copy") && !isPointer(from)) {
    throw badRequestStatus(`error decoding patch: operation ${index} has no valid from`);
  }
  if (["add", "replace", "test"].includes(known) && !("value" in operation)) {
    throw badRequestStatus(`error decoding patch: operation ${index} has no value`);
  }
  return operation as unknown as Operation;
}

function isPointer(text: unknown): text is string {
  return typeof text === "string" && /^(?:\/(?:[^~/]|~[01])*)*$/.test(text);
}

function sizeAt(root: unknown, path: string): number {
  const value: unknown = Pointer.fromJSON(path).get(root);
  return JSON.stringify(value)?.length ?? 0;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

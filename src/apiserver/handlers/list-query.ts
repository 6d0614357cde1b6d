import { checkSelectableFields, parseFieldSelector } from "../../api/field-selector.ts";
import { parseLabelSelector } from "../../api/label-selector.ts";
import { badRequestStatus, StatusError } from "../../api/status.ts";
import { integerOf } from "../objects/request-options.ts";
import { selectableFieldsOf } from "../resources/resource-definition.ts";
import { parseContinueToken } from "../store/list-pages.ts";
import type { Predicate } from "../store/predicate.ts";
import type { Freshness, PageRequest } from "../store/read-page.ts";
import type { ResourceCall } from "./resource-call.ts";

/** Reads what a list asks for. Throws `StatusError` with code `BadRequest` or `Invalid`. */
export function listQueryOf(call: ResourceCall): PageRequest {
  const { request } = call;
  const predicate = predicateOf(call);
  const limit = integerOf(request, "limit");
  const token = request.query.get("continue") ?? "";
  return {
    predicate,
    limit: limit === undefined || limit <= 0 ? undefined : limit,
    continue: token === "" ? undefined : parseContinueToken(token, predicate.keyPrefix),
    freshness: freshnessOf(call, token !== ""),
  };
}

/** Reads which objects a list or watch is about. */
export function predicateOf({ request, definition, version, store, target }: ResourceCall): Predicate {
  const asked = parseFieldSelector(request.query.get("fieldSelector") ?? "");
  const own = version?.fieldLabels.keys() ?? Object.keys(definition.selectableFields ?? {});
  checkSelectableFields(asked, ["metadata.name", "metadata.namespace", ...own]);
  const fields = asked.map((each) => ({ ...each, field: version?.fieldLabels.get(each.field) ?? each.field }));
  return {
    keyPrefix: store.prefixOf(target.namespace),
    labels: parseLabelSelector(request.query.get("labelSelector") ?? ""),
    fields,
    selectableFields: (object) => selectableFieldsOf(definition, object),
  };
}

/** Reads a resource version; undefined where it is empty. Throws `StatusError` with code `BadRequest`. */
export function parseResourceVersion(text: string | null): number | undefined {
  if (text === null || text === "") return undefined;
  if (!/^\d{1,15}$/.test(text))
    throw badRequestStatus(`Invalid value: ${JSON.stringify(text)}: invalid resource version`);
  return Number(text);
}

function freshnessOf({ request }: ResourceCall, continues: boolean): Freshness {
  const revision = parseResourceVersion(request.query.get("resourceVersion"));
  const match = request.query.get("resourceVersionMatch") ?? "";
  if (match !== "") {
    if (continues)
      throw invalidOptions("resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for continue");
    if (revision === undefined) {
      throw invalidOptions(
        "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
      );
    }
    if (match !== "Exact" && match !== "NotOlderThan") {
      throw invalidOptions(
        `resourceVersionMatch: Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan", ""`,
      );
    }
    if (match === "Exact" && revision === 0) {
      throw invalidOptions(
        'resourceVersionMatch: Forbidden: resourceVersionMatch "Exact" is forbidden for resourceVersion "0"',
      );
    }
  }
  if (revision === undefined) return { kind: "newest" };
  if (revision === 0) return { kind: "any" };
  return { kind: match === "Exact" ? "exact" : "notOlderThan", revision };
}

/** Returns the refusal of a list's or watch's options. */
export function invalidOptions(reason: string): StatusError {
  return new StatusError("Invalid", `ListOptions.meta.k8s.io "" is invalid: ${reason}`, {
    details: { group: "meta.k8s.io", kind: "ListOptions" },
  });
}

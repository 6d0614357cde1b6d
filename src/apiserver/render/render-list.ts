import { apiVersionOf } from "../../api/resource-types.ts";
import type { ResourceCall } from "../handlers/resource-call.ts";
import { type ApiResponse, jsonResponse } from "../http/api-response.ts";
import { shownIn } from "../resources/served-version.ts";
import type { Page } from "../store/read-page.ts";
import { partialMetadataOf } from "./partial-metadata.ts";
import { representationOf } from "./representation.ts";
import { renderTable } from "./render-table.ts";

/** Returns a list in the representation that the client wants. Objects are not encoded anew. */
export function renderList(call: ResourceCall, page: Page): ApiResponse {
  const representation = representationOf(call.request);
  switch (representation.kind) {
    case "table":
      return jsonResponse(200, renderTable(call, page, representation));
    case "metadata": {
      const items = page.objects.map(({ object }) => partialMetadataOf(object, representation.apiVersion));
      const kind = "PartialObjectMetadataList";
      return jsonResponse(200, { kind, apiVersion: representation.apiVersion, metadata: page.metadata, items });
    }
    default:
      return { status: 200, headers: { "content-type": "application/json" }, body: encodedList(call, page) };
  }
}

const COMMA = Buffer.from(",");
const END = Buffer.from("]}\n");

function encodedList({ definition, version }: ResourceCall, { objects, metadata }: Page): Uint8Array[] {
  const { type } = version ?? definition;
  const head = JSON.stringify({ kind: `${type.kind}List`, apiVersion: apiVersionOf(type), metadata, items: [] });
  const parts: Uint8Array[] = [Buffer.from(head.slice(0, -"]}".length))];
  for (const [index, stored] of objects.entries()) {
    if (index > 0) parts.push(COMMA);
    parts.push(shownIn(version, stored).encoded);
  }
  parts.push(END);
  return parts;
}

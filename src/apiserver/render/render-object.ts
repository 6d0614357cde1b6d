import type { ResourceCall } from "../handlers/resource-call.ts";
import { type ApiResponse, jsonResponse } from "../http/api-response.ts";
import { shownIn } from "../resources/served-version.ts";
import type { StoredObject } from "../store/stored-object.ts";
import { partialMetadataOf } from "./partial-metadata.ts";
import { representationOf } from "./representation.ts";
import { renderTable } from "./render-table.ts";

/** Returns one object in the representation that the client wants. */
export function renderObject(call: ResourceCall, stored: StoredObject, status: number): ApiResponse {
  const representation = representationOf(call.request);
  switch (representation.kind) {
    case "table": {
      const metadata = { resourceVersion: stored.object.metadata?.resourceVersion };
      return jsonResponse(status, renderTable(call, { objects: [stored], metadata }, representation));
    }
    case "metadata":
      return jsonResponse(status, partialMetadataOf(stored.object, representation.apiVersion));
    default:
      return { status, headers: { "content-type": "application/json" }, body: shownIn(call.version, stored).encoded };
  }
}

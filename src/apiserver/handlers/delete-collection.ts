import { StatusError } from "../../api/status.ts";
import type { ApiResponse } from "../http/api-response.ts";
import { readDeletionWish } from "../objects/delete-options.ts";
import { renderList } from "../render/render-list.ts";
import { readPage } from "../store/read-page.ts";
import { deleteObject } from "./delete.ts";
import { listQueryOf } from "./list-query.ts";
import type { ResourceCall } from "./resource-call.ts";

/** Deletes every object that a list would show. Answers with those objects. */
export async function handleDeleteCollection(call: ResourceCall): Promise<ApiResponse> {
  const wish = await readDeletionWish(call.request);
  const page = await readPage(call.context.storage, call.store, listQueryOf(call));
  for (const { object } of page.objects) {
    const { namespace, name = "" } = object.metadata ?? {};
    const target = { ...call.target, name, ...(namespace === undefined ? {} : { namespace }) };
    try {
      await deleteObject({ ...call, target }, wish);
    } catch (error) {
      // Gone already is what was wanted.
      if (!(error instanceof StatusError) || error.reason !== "NotFound") throw error;
    }
  }
  return renderList(call, page);
}

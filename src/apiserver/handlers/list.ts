import type { ApiResponse } from "../http/api-response.ts";
import { renderList } from "../render/render-list.ts";
import { readPage } from "../store/read-page.ts";
import { listQueryOf } from "./list-query.ts";
import type { ResourceCall } from "./resource-call.ts";

/** Returns the objects of a kind that the selectors take, all at one revision, a page at a time where a limit is set. */
export async function handleList(call: ResourceCall): Promise<ApiResponse> {
  return renderList(call, await readPage(call.context.storage, call.store, listQueryOf(call)));
}

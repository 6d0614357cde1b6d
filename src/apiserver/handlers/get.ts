import type { ApiResponse } from "../http/api-response.ts";
import { renderObject } from "../render/render-object.ts";
import type { ObjectCall } from "./resource-call.ts";

/** Returns an object as it is after every write acknowledged before. */
export async function handleGet(call: ObjectCall): Promise<ApiResponse> {
  return renderObject(call, await call.store.get(call.target), 200);
}

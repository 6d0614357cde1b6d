import { unknownPathStatus } from "../../api/status.ts";
import type { ApiRequest, Handler } from "../http/api-request.ts";
import type { ApiResponse } from "../http/api-response.ts";
import type { ResourceTarget } from "../http/request-target.ts";

/** Where requests go that name no resource: a path for itself, or with everything below it. */
export interface PathRoute {
  readonly path: string;
  readonly includesBelow?: boolean;
  readonly handler: Handler;
}

/** Returns what hands a request to whom its path leads. Throws `StatusError` with code `NotFound`. */
export function route(
  resources: (request: ApiRequest, target: ResourceTarget) => Promise<ApiResponse>,
  routes: readonly PathRoute[],
): Handler {
  return async (request) => {
    const { target } = request;
    if (target.kind === "resource") return await resources(request, target);
    const found = routes.find(({ path, includesBelow }) => leadsTo(path, target.path, includesBelow === true));
    if (found === undefined || (request.method !== "GET" && request.method !== "HEAD")) throw unknownPathStatus();
    return await found.handler(request);
  };
}

function leadsTo(path: string, wanted: string, includesBelow: boolean): boolean {
  if (wanted === path || wanted === `${path}/`) return true;
  return includesBelow && wanted.startsWith(`${path}/`);
}

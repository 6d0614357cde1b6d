import type { ApiResponse } from "../http/api-response.ts";
import { isTrue } from "../http/request-target.ts";
import { badRequestStatus } from "../../api/status.ts";
import { integerOf } from "../objects/request-options.ts";
import { watchEncoderOf } from "../render/watch-encoder.ts";
import { WatchStream } from "../store/watch-stream.ts";
import { invalidOptions, parseResourceVersion, predicateOf } from "./list-query.ts";
import type { ResourceCall } from "./resource-call.ts";

/**
 * Streams changes: after `resourceVersion`, or, without one, first every object there is as added. With `sendInitialEvents`
 * a bookmark says where those end. The stream ends by itself after `timeoutSeconds`.
 */
export async function handleWatch(call: ResourceCall): Promise<ApiResponse> {
  const { context, request, store } = call;
  const predicate = predicateOf(call);
  const revision = parseResourceVersion(request.query.get("resourceVersion"));
  const sendsInitialEvents = checkedInitialEvents(call);
  const wantsBookmarks = isTrue(request.query.get("allowWatchBookmarks"));
  const timeoutSeconds = integerOf(request, "timeoutSeconds");
  if (timeoutSeconds !== undefined && timeoutSeconds < 0) throw badRequestStatus("timeoutSeconds is negative");
  const startsWithAll = sendsInitialEvents ?? (revision === undefined || revision === 0);
  if (startsWithAll) await store.cache.waitFor(revision ?? (await context.storage.revision()));
  const encoder = watchEncoderOf(call);
  const body = new WatchStream({
    cache: store.cache,
    predicate,
    encoder,
    start: startsWithAll ? "all" : (revision ?? store.cache.revision),
    marksInitialEnd: sendsInitialEvents === true && wantsBookmarks,
    wantsBookmarks,
    timeoutMs: (timeoutSeconds === undefined || timeoutSeconds === 0 ? defaultTimeout() : timeoutSeconds) * 1000,
  });
  return { status: 200, headers: { "content-type": encoder.contentType }, body };
}

const MIN_TIMEOUT_SECONDS = 1800;

// Spread out, so that the clients of a server that was restarted do not come back together for ever.
function defaultTimeout(): number {
  return MIN_TIMEOUT_SECONDS * (1 + Math.random());
}

function checkedInitialEvents({ request }: ResourceCall): boolean | undefined {
  const text = request.query.get("sendInitialEvents");
  const match = request.query.get("resourceVersionMatch") ?? "";
  if (text === null || text === "") {
    if (match === "") return undefined;
    throw invalidOptions(
      "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
    );
  }
  if (match !== "NotOlderThan") {
    throw invalidOptions(
      "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
    );
  }
  return isTrue(text);
}

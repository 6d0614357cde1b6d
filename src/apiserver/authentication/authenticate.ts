import { unauthorizedStatus } from "../../api/status.ts";
import type { ApiRequest, Middleware } from "../http/api-request.ts";
import { AUTHENTICATED_GROUP, type UserInfo } from "./user-info.ts";

/**
 * Finds out who makes a request. Returns undefined where the request does not try this way; throws `StatusError` with code
 * `Unauthorized` where it tries and fails.
 */
export type Authenticator = (request: ApiRequest) => Promise<UserInfo | undefined>;

/** Paths anybody may ask: they say nothing but whether the server lives. */
export const PUBLIC_PATHS: ReadonlySet<string> = new Set(["/livez", "/readyz", "/healthz"]);

/** Asks each authenticator in turn; refuses who none of them knows, except on `PUBLIC_PATHS`. */
export function authenticate(authenticators: readonly Authenticator[]): Middleware {
  return (next) => async (request) => {
    for (const authenticator of authenticators) {
      const user = await authenticator(request);
      if (user !== undefined) return await next({ ...request, user: withAuthenticatedGroup(user) });
    }
    if (PUBLIC_PATHS.has(request.path)) return await next(request);
    throw unauthorizedStatus();
  };
}

function withAuthenticatedGroup(user: UserInfo): UserInfo {
  if (user.groups.includes(AUTHENTICATED_GROUP)) return user;
  return { ...user, groups: [...user.groups, AUTHENTICATED_GROUP] };
}

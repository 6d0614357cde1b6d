import { forbiddenStatus, StatusError } from "../../api/status.ts";
import { PUBLIC_PATHS } from "../authentication/authenticate.ts";
import type { UserInfo } from "../authentication/user-info.ts";
import type { Middleware } from "../http/api-request.ts";
import type { RequestTarget, ResourceTarget } from "../http/request-target.ts";

/** What somebody wants to do. */
export interface Attempt {
  readonly user: UserInfo;
  readonly target: AttemptedTarget;
  /** The HTTP method in lower case, for what is no resource. */
  readonly method: string;
  readonly query: URLSearchParams;
}

/** Where an attempt leads. Its verb may be one that no request has, as in `impersonate`. */
export type AttemptedTarget = Extract<RequestTarget, { kind: "path" }> | AttemptedResource;

/** The part of the API that an attempt is about. */
export type AttemptedResource = Omit<ResourceTarget, "verb"> & { readonly verb: string };

/** Says that somebody may do something; false leaves it to the others. */
export type Authorizer = (attempt: Attempt) => Promise<boolean>;

/** Lets through what any authorizer allows, and nothing else. */
export function authorize(authorizers: readonly Authorizer[]): Middleware {
  return (next) => async (request) => {
    const { user, target, query } = request;
    const attempt: Attempt = { user, target, query, method: request.method.toLowerCase() };
    if (target.kind === "path" && PUBLIC_PATHS.has(target.path)) return await next(request);
    if (await isAllowed(authorizers, attempt)) return await next(request);
    throw target.kind === "path" ? pathForbidden(attempt, target.path) : resourceForbidden(user, target);
  };
}

/** Says whether any authorizer allows something. */
export async function isAllowed(authorizers: readonly Authorizer[], attempt: Attempt): Promise<boolean> {
  for (const authorizer of authorizers) if (await authorizer(attempt)) return true;
  return false;
}

function pathForbidden({ user, method }: Attempt, path: string): StatusError {
  const verb = METHOD_VERBS.get(method) ?? method;
  return new StatusError(
    "Forbidden",
    `forbidden: User ${JSON.stringify(user.name)} cannot ${verb} path ${JSON.stringify(path)}`,
    {
      details: {},
    },
  );
}

const METHOD_VERBS: ReadonlyMap<string, string> = new Map([
  ["post", "create"],
  ["put", "update"],
]);

function resourceForbidden(user: UserInfo, target: ResourceTarget): StatusError {
  const resource = target.subresource === undefined ? target.resource : `${target.resource}/${target.subresource}`;
  const scope = target.namespace === undefined ? "at the cluster scope" : `in the namespace "${target.namespace}"`;
  const reason = `User ${JSON.stringify(user.name)} cannot ${target.verb} resource "${resource}" in API group "${target.group}" ${scope}`;
  return forbiddenStatus({ group: target.group, plural: target.resource }, target.name ?? "", reason);
}

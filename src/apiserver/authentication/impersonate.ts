import { badRequestStatus, forbiddenStatus } from "../../api/status.ts";
import { type Authorizer, isAllowed } from "../authorization/authorize.ts";
import type { ApiRequest, Middleware } from "../http/api-request.ts";
import { ANONYMOUS, AUTHENTICATED_GROUP, type UserInfo } from "./user-info.ts";

/**
 * Lets who may impersonate somebody act as that user (`kubectl --as`). Throws `StatusError` with code `Forbidden` where the
 * authorizers do not allow verb `impersonate` on each part of what is asked for.
 */
export function impersonate(authorizers: readonly Authorizer[]): Middleware {
  return (next) => async (request) => {
    const wish = wishOf(request);
    if (wish === undefined) return await next(request);
    for (const part of partsOf(wish)) await checkPart(authorizers, request.user, part);
    return await next({ ...request, user: withImpliedGroups(wish) });
  };
}

/** Something one has to be allowed to impersonate. */
interface Part {
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name: string;
}

const EXTRA = "impersonate-extra-";
const AUTHENTICATION_GROUP = "authentication.k8s.io";

function wishOf({ headers }: ApiRequest): UserInfo | undefined {
  const name = listOf(headers["impersonate-user"])[0] ?? "";
  const groups = listOf(headers["impersonate-group"]);
  const uid = listOf(headers["impersonate-uid"])[0] ?? "";
  const extraEntries = Object.entries(headers).filter(([header]) => header.startsWith(EXTRA));
  if (name === "") {
    if (groups.length === 0 && uid === "" && extraEntries.length === 0) return undefined;
    throw badRequestStatus("groups, uid or extra are to be impersonated without a user (Impersonate-User)");
  }
  const extra = extraEntries.map(([header, value]) => [header.slice(EXTRA.length), listOf(value)] as const);
  return {
    name,
    groups,
    ...(uid === "" ? {} : { uid }),
    ...(extra.length === 0 ? {} : { extra: Object.fromEntries(extra) }),
  };
}

// A header sent twice arrives as one, joined by commas.
function listOf(value: string | string[] | undefined): string[] {
  const texts = value === undefined ? [] : [value].flat();
  return texts.flatMap((text) => text.split(",").map((part) => part.trim())).filter((text) => text !== "");
}

function partsOf({ name, groups, uid, extra = {} }: UserInfo): Part[] {
  const group = AUTHENTICATION_GROUP;
  const extras = Object.entries(extra).flatMap(([subresource, values]) =>
    values.map((value) => ({ group, resource: "userextras", subresource, name: value })),
  );
  return [
    userPart(name),
    ...groups.map((each) => ({ group: "", resource: "groups", name: each })),
    ...(uid === undefined ? [] : [{ group, resource: "uids", name: uid }]),
    ...extras,
  ];
}

const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

function userPart(user: string): Part {
  const [, namespace, name] = SERVICE_ACCOUNT.exec(user) ?? [];
  if (namespace === undefined || name === undefined) return { group: "", resource: "users", name: user };
  return { group: "", resource: "serviceaccounts", namespace, name };
}

async function checkPart(authorizers: readonly Authorizer[], user: UserInfo, part: Part): Promise<void> {
  const target = { kind: "resource", version: "v1", verb: "impersonate", ...part } as const;
  if (await isAllowed(authorizers, { user, target, method: "", query: new URLSearchParams() })) return;
  const scope = part.namespace === undefined ? "at the cluster scope" : `in the namespace "${part.namespace}"`;
  const reason = `User ${JSON.stringify(user.name)} cannot impersonate resource "${part.resource}" in API group "${part.group}" ${scope}`;
  throw forbiddenStatus({ group: part.group, plural: part.resource }, part.name, reason);
}

function withImpliedGroups(user: UserInfo): UserInfo {
  const namespace = SERVICE_ACCOUNT.exec(user.name)?.[1];
  const own = namespace === undefined ? [] : ["system:serviceaccounts", `system:serviceaccounts:${namespace}`];
  const isAnonymous = user.name === ANONYMOUS.name;
  const implied = [
    ...(user.groups.length === 0 ? own : []),
    ...(isAnonymous ? ANONYMOUS.groups : [AUTHENTICATED_GROUP]),
  ];
  return { ...user, groups: [...new Set([...user.groups, ...implied])] };
}

import { AUTHENTICATED_GROUP, MASTERS_GROUP, type UserInfo } from "../authentication/user-info.ts";
import type { SubjectRulesReviewStatus } from "../../api/authorization-v1.gen.ts";
import type { Verb } from "../http/request-target.ts";
import type { AttemptedResource, Authorizer } from "./authorize.ts";

/** Members of `system:masters` may do everything. */
export const authorizeMasters: Authorizer = ({ user }) => Promise.resolve(user.groups.includes(MASTERS_GROUP));

/** Everybody who proved who they are may learn what the server serves, who they are to it, and what they may do. */
export const authorizeDiscovery: Authorizer = ({ user, target, method }) => {
  const isRead = method === "get" || method === "head";
  if (!user.groups.includes(AUTHENTICATED_GROUP)) return Promise.resolve(false);
  if (target.kind === "path") return Promise.resolve(isRead && DISCOVERY_PATHS.test(target.path));
  return Promise.resolve(SELF_REVIEWS.some((rule) => allows(rule, target)));
};

/** The cluster's own components may do what their work needs. */
export const authorizeComponents: Authorizer = ({ user, target }) =>
  Promise.resolve(target.kind === "resource" && rulesOf(user).some((rule) => allows(rule, target)));

/** Returns what a user may do by the rules here, for all namespaces. */
export function rulesFor(user: UserInfo): Pick<SubjectRulesReviewStatus, "resourceRules" | "nonResourceRules"> {
  if (user.groups.includes(MASTERS_GROUP)) {
    const everything = { verbs: ["*"], apiGroups: ["*"], resources: ["*"] };
    return { resourceRules: [everything], nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }] };
  }
  const isKnown = user.groups.includes(AUTHENTICATED_GROUP);
  return {
    resourceRules: [...(isKnown ? SELF_REVIEWS : []), ...rulesOf(user)].map(({ verbs, group = "", resources }) => ({
      verbs: [...verbs],
      apiGroups: [group],
      resources: [...resources],
    })),
    nonResourceRules: isKnown ? [{ verbs: ["get"], nonResourceURLs: [...DISCOVERY_URLS] }] : [],
  };
}

const DISCOVERY_URLS = [
  "/api",
  "/api/*",
  "/apis",
  "/apis/*",
  "/healthz",
  "/livez",
  "/openapi",
  "/openapi/*",
  "/readyz",
  "/version",
] as const;
const DISCOVERY_PATHS = /^\/(?:apis?|openapi)(?:\/|$)|^\/(?:version|healthz|livez|readyz)\/?$/;

interface Rule {
  readonly verbs: readonly string[];
  /** As in `pods` and `pods/status`. */
  readonly resources: readonly string[];
  /** Empty for the core group. */
  readonly group?: string;
}

const READ: readonly Verb[] = ["get", "list", "watch"];
const WRITE: readonly Verb[] = ["create", "update", "patch", "delete", "deletecollection"];
const ALL: readonly Verb[] = [...READ, ...WRITE];
const EVENTS: Rule = { verbs: ["create", "patch", "update"], resources: ["events"] };
const LEASES: Rule = { verbs: ALL, resources: ["leases"], group: "coordination.k8s.io" };

const SELF_REVIEWS: readonly Rule[] = [
  { verbs: ["create"], resources: ["selfsubjectreviews"], group: "authentication.k8s.io" },
  {
    verbs: ["create"],
    resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
    group: "authorization.k8s.io",
  },
];

const COMPONENT_RULES: ReadonlyMap<string, readonly Rule[]> = new Map([
  [
    "system:kube-controller-manager",
    [
      { verbs: ALL, resources: ["configmaps", "events", "pods", "secrets", "serviceaccounts", "services"] },
      { verbs: ALL, resources: ["events"], group: "events.k8s.io" },
      { verbs: [...READ, "update", "patch", "delete"], resources: ["namespaces", "nodes"] },
      { verbs: ["get", "update", "patch"], resources: ["namespaces/status", "nodes/status", "pods/status"] },
      { verbs: ["update"], resources: ["namespaces/finalize"] },
      LEASES,
    ],
  ],
  [
    "system:kube-scheduler",
    [
      { verbs: READ, resources: ["namespaces", "nodes", "pods"] },
      { verbs: ["create"], resources: ["pods/binding"] },
      { verbs: ["patch", "update"], resources: ["pods/status"] },
      EVENTS,
      { ...EVENTS, group: "events.k8s.io" },
      LEASES,
    ],
  ],
]);

function rulesOf(user: UserInfo): readonly Rule[] {
  return COMPONENT_RULES.get(user.name) ?? [];
}

function allows(rule: Rule, target: AttemptedResource): boolean {
  const resource = target.subresource === undefined ? target.resource : `${target.resource}/${target.subresource}`;
  return (rule.group ?? "") === target.group && rule.verbs.includes(target.verb) && rule.resources.includes(resource);
}

import type {
  LocalSubjectAccessReview,
  ResourceAttributes,
  SelfSubjectAccessReview,
  SelfSubjectAccessReviewSpec,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
} from "../../api/authorization-v1.gen.ts";
import { type FieldError, invalid } from "../../api/field-error.ts";
import type { ResourceType } from "../../api/resource-types.ts";
import { invalidStatus } from "../../api/status.ts";
import type { UserInfo } from "../authentication/user-info.ts";
import { type Attempt, isAllowed } from "../authorization/authorize.ts";
import { REVIEW_VERBS, type ReviewCall, type ReviewDefinition } from "./review-definition.ts";
import { reviewType } from "./review-type.ts";

const GROUP = "authorization.k8s.io";

/** May I? `kubectl auth can-i` asks. */
export const selfSubjectAccessReviews: ReviewDefinition<SelfSubjectAccessReview> = {
  type: reviewType(GROUP, "SelfSubjectAccessReview"),
  verbs: REVIEW_VERBS,
  answer: async (review, call) => {
    const { user } = call.request;
    check(selfSubjectAccessReviews.type, attributeErrors(review.spec));
    return await answered(review, attemptOf(user, review.spec), call);
  },
};

/** May somebody? Whoever serves something of its own asks, such as a kubelet. */
export const subjectAccessReviews: ReviewDefinition<SubjectAccessReview> = {
  type: reviewType(GROUP, "SubjectAccessReview"),
  verbs: REVIEW_VERBS,
  answer: async (review, call) => {
    check(subjectAccessReviews.type, subjectErrors(review.spec));
    return await answered(review, attemptOf(subjectOf(review.spec), review.spec), call);
  },
};

/** The same within one namespace, so that the question itself can be allowed there alone. */
export const localSubjectAccessReviews: ReviewDefinition<LocalSubjectAccessReview> = {
  type: reviewType(GROUP, "LocalSubjectAccessReview", true),
  verbs: REVIEW_VERBS,
  answer: async (review, call) => {
    check(localSubjectAccessReviews.type, [...subjectErrors(review.spec), ...namespaceErrors(review)]);
    return await answered(review, attemptOf(subjectOf(review.spec), review.spec), call);
  },
};

async function answered<T extends SelfSubjectAccessReview | SubjectAccessReview>(
  review: T,
  attempt: Attempt,
  { authorizers }: ReviewCall,
): Promise<T> {
  return { ...review, status: { allowed: await isAllowed(authorizers, attempt) } };
}

function attemptOf(user: UserInfo, spec: SelfSubjectAccessReviewSpec): Attempt {
  const { resourceAttributes: resource, nonResourceAttributes: other = {} } = spec;
  if (resource === undefined) {
    const { path = "", verb: method = "" } = other;
    return { user, target: { kind: "path", path }, method, query: new URLSearchParams() };
  }
  const verb = resource.verb ?? "";
  const optional = { namespace: resource.namespace, name: resource.name, subresource: resource.subresource };
  // Nothing and the empty text are the same here, and only one of them means "all" to who decides.
  const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => (value ?? "") !== ""));
  const { group = "", version = "", resource: plural = "" } = resource;
  return {
    user,
    target: { kind: "resource", group, version, resource: plural, verb, ...given },
    method: "",
    query: queryOf(resource),
  };
}

function queryOf({ fieldSelector = {} }: ResourceAttributes): URLSearchParams {
  const { rawSelector, requirements = [] } = fieldSelector;
  const equalities = requirements
    .filter(({ operator, values = [] }) => operator === "In" && values.length === 1)
    .map(({ key, values = [] }) => `${key}=${values[0]}`);
  const selector = rawSelector ?? equalities.join(",");
  return new URLSearchParams(selector === "" ? {} : { fieldSelector: selector });
}

function subjectOf({ user = "", groups = [], uid, extra }: SubjectAccessReviewSpec): UserInfo {
  return { name: user, groups, ...(uid === undefined ? {} : { uid }), ...(extra === undefined ? {} : { extra }) };
}

function attributeErrors(spec: SelfSubjectAccessReviewSpec): FieldError[] {
  if ((spec.resourceAttributes === undefined) !== (spec.nonResourceAttributes === undefined)) return [];
  const reason = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
  return [invalid("spec.resourceAttributes", spec.resourceAttributes, reason)];
}

function subjectErrors(spec: SubjectAccessReviewSpec): FieldError[] {
  const isNamed = (spec.user ?? "") !== "" || (spec.groups ?? []).length > 0;
  const errors = isNamed ? [] : [invalid("spec.user", "", "at least one of user or group must be specified")];
  return [...attributeErrors(spec), ...errors];
}

function namespaceErrors({ metadata, spec }: LocalSubjectAccessReview): FieldError[] {
  const namespace = spec.resourceAttributes?.namespace;
  if (namespace === metadata?.namespace) return [];
  return [invalid("spec.resourceAttributes.namespace", namespace, "must match metadata.namespace")];
}

function check(type: ResourceType, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalidStatus(type, "", errors);
}

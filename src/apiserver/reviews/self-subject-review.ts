import type { SelfSubjectReview } from "../../api/authentication-v1.gen.ts";
import { REVIEW_VERBS, type ReviewDefinition } from "./review-definition.ts";
import { reviewType } from "./review-type.ts";

/** Who am I? `kubectl auth whoami` asks. */
export const selfSubjectReviews: ReviewDefinition<SelfSubjectReview> = {
  type: reviewType("authentication.k8s.io", "SelfSubjectReview"),
  verbs: REVIEW_VERBS,
  answer: (review, { request }) => {
    const { name: username, groups, uid, extra } = request.user;
    const userInfo = {
      username,
      groups: [...groups],
      ...(uid === undefined ? {} : { uid }),
      ...(extra === undefined ? {} : { extra: mapValues(extra) }),
    };
    return Promise.resolve({ ...review, status: { userInfo } });
  },
};

function mapValues(extra: Readonly<Record<string, readonly string[]>>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]));
}

import { localSubjectAccessReviews, selfSubjectAccessReviews, subjectAccessReviews } from "./access-reviews.ts";
import type { ReviewDefinition } from "./review-definition.ts";
import { selfSubjectReviews } from "./self-subject-review.ts";
import { selfSubjectRulesReviews } from "./self-subject-rules-review.ts";

/** Every kind of question that the server answers. */
export const SERVED_REVIEWS: readonly ReviewDefinition[] = [
  localSubjectAccessReviews,
  selfSubjectAccessReviews,
  selfSubjectReviews,
  selfSubjectRulesReviews,
  subjectAccessReviews,
];

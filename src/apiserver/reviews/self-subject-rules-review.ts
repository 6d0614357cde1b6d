import type { SelfSubjectRulesReview } from "../../api/authorization-v1.gen.ts";
import { nodeNameOf } from "../authentication/user-info.ts";
import { rulesFor } from "../authorization/fixed-rules.ts";
import { REVIEW_VERBS, type ReviewDefinition } from "./review-definition.ts";
import { reviewType } from "./review-type.ts";

/** What may I do? `kubectl auth can-i --list` asks. */
export const selfSubjectRulesReviews: ReviewDefinition<SelfSubjectRulesReview> = {
  type: reviewType("authorization.k8s.io", "SelfSubjectRulesReview"),
  verbs: REVIEW_VERBS,
  answer: (review, { request }) => {
    // What a node may read follows from its pods of the moment, which no list of rules can say.
    const isNode = nodeNameOf(request.user) !== undefined;
    const evaluationError = isNode ? { evaluationError: "node authorizer does not support user rule resolution" } : {};
    return Promise.resolve({
      ...review,
      status: { ...rulesFor(request.user), incomplete: isNode, ...evaluationError },
    });
  },
};

import type { NamespaceCondition } from "../../api/core-v1.gen.ts";
import type { RemainingContent } from "./delete-content.ts";

/**
 * Returns what the conditions of a namespace say of its deletion, with the time of each that has not changed kept. `discoveryError` is
 * why the kinds of content could not be found out.
 */
export function namespaceConditions(
  found: { readonly remaining?: RemainingContent; readonly discoveryError?: string },
  before: readonly NamespaceCondition[],
  now: string,
): NamespaceCondition[] {
  const ours = [discovery(found.discoveryError), ...(found.remaining === undefined ? [] : contentOf(found.remaining))];
  const made = ours.map((condition) => withTime(condition, before, now));
  const others = before.filter((old) => !ours.some((condition) => condition.type === old.type));
  return [...others, ...made];
}

type Claim = Pick<NamespaceCondition, "type" | "status" | "reason" | "message">;

function discovery(error: string | undefined): Claim {
  const type = "NamespaceDeletionDiscoveryFailure";
  return error === undefined
    ? { type, status: "False", reason: "ResourcesDiscovered", message: "All resources successfully discovered" }
    : {
        type,
        status: "True",
        reason: "DiscoveryFailed",
        message: `Discovery failed for some groups, 1 failing: ${error}`,
      };
}

function contentOf({ resources, finalizers, errors }: RemainingContent): readonly Claim[] {
  return [
    {
      type: "NamespaceDeletionGroupVersionParsingFailure",
      status: "False",
      reason: "ParsedGroupVersions",
      message: "All legacy kube types successfully parsed",
    },
    errors.length === 0
      ? {
          type: "NamespaceDeletionContentFailure",
          status: "False",
          reason: "ContentDeleted",
          message: "All content successfully deleted, may be waiting on finalization",
        }
      : {
          type: "NamespaceDeletionContentFailure",
          status: "True",
          reason: "ContentDeletionFailed",
          message: `Failed to delete all resource types, ${errors.length} remaining: ${errors.join(", ")}`,
        },
    resources.size === 0
      ? {
          type: "NamespaceContentRemaining",
          status: "False",
          reason: "ContentRemoved",
          message: "All content successfully removed",
        }
      : {
          type: "NamespaceContentRemaining",
          status: "True",
          reason: "SomeResourcesRemain",
          message: `Some resources are remaining: ${listed(resources, (name, n) => `${name} has ${n} resource instances`)}`,
        },
    finalizers.size === 0
      ? {
          type: "NamespaceFinalizersRemaining",
          status: "False",
          reason: "ContentHasNoFinalizers",
          message: "All content-preserving finalizers finished",
        }
      : {
          type: "NamespaceFinalizersRemaining",
          status: "True",
          reason: "SomeFinalizersRemain",
          message: `Some content in the namespace has finalizers remaining: ${listed(finalizers, (name, n) => `${name} in ${n} resource instances`)}`,
        },
  ];
}

function listed(counts: ReadonlyMap<string, number>, text: (name: string, count: number) => string): string {
  return [...counts]
    .map(([name, count]) => text(name, count))
    .toSorted()
    .join(", ");
}

function withTime(claim: Claim, before: readonly NamespaceCondition[], now: string): NamespaceCondition {
  const old = before.find((condition) => condition.type === claim.type);
  const isSame = old?.status === claim.status && old.reason === claim.reason && old.message === claim.message;
  return { ...claim, lastTransitionTime: isSame ? old.lastTransitionTime : now };
}

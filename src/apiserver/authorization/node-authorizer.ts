import type { Pod } from "../../api/core-v1.gen.ts";
import { parseFieldSelector } from "../../api/field-selector.ts";
import { PODS } from "../../api/resource-types.ts";
import { nodeNameOf } from "../authentication/user-info.ts";
import type { Stores } from "../store/stores.ts";
import { podReferences } from "./pod-references.ts";
import type { Attempt, AttemptedResource, Authorizer } from "./authorize.ts";

/** Lets a node see and change what belongs to it: itself, the pods bound to it, and what those pods refer to. */
export function authorizeNodes(stores: Stores): Authorizer {
  return (attempt) => {
    const node = nodeNameOf(attempt.user);
    if (node === undefined || attempt.target.kind !== "resource") return Promise.resolve(false);
    return Promise.resolve(mayNode({ node, stores, attempt }, attempt.target));
  };
}

interface NodeAttempt {
  readonly node: string;
  readonly stores: Stores;
  readonly attempt: Attempt;
}

const READ: readonly string[] = ["get", "list", "watch"];

function mayNode(nodeAttempt: NodeAttempt, target: AttemptedResource): boolean {
  const { group, resource, subresource, verb } = target;
  if (group === "coordination.k8s.io" && resource === "leases") return mayUseLease(nodeAttempt, target);
  // A kubelet asks whether those who ask it may.
  if (group === "authorization.k8s.io" && resource === "subjectaccessreviews") return verb === "create";
  if (group === "events.k8s.io" && resource === "events") return verb === "create" || isChange(verb);
  if (group !== "") return false;
  switch (subresource === undefined ? resource : `${resource}/${subresource}`) {
    case "nodes":
      // A new node's name is in its body: admission checks it.
      return READ.includes(verb) || verb === "create" || (isOwnName(nodeAttempt, target) && isChange(verb));
    case "nodes/status":
      return isOwnName(nodeAttempt, target) && isChange(verb);
    case "pods":
      // Which pods it may create and delete is for admission to say, which sees them.
      return verb === "create" || verb === "delete" || mayReadPods(nodeAttempt, target);
    case "pods/status":
      return isChange(verb);
    case "secrets":
    case "configmaps":
      return mayReadReferenced(nodeAttempt, target);
    case "serviceaccounts":
      return verb === "get" && isReferenced(nodeAttempt, target, target.name);
    case "events":
      return verb === "create" || isChange(verb);
    case "services":
      return READ.includes(verb);
    default:
      return false;
  }
}

function isChange(verb: string): boolean {
  return verb === "update" || verb === "patch";
}

function isOwnName({ node }: NodeAttempt, { name }: AttemptedResource): boolean {
  return name === node;
}

function mayUseLease({ node }: NodeAttempt, { namespace, name, verb }: AttemptedResource): boolean {
  if (namespace !== "kube-node-lease") return false;
  return verb === "create" || (name === node && (verb === "get" || verb === "delete" || isChange(verb)));
}

function mayReadPods({ node, stores, attempt }: NodeAttempt, { verb, namespace, name }: AttemptedResource): boolean {
  if (verb === "list" || verb === "watch") return selects(attempt.query, "spec.nodeName") === node;
  if (verb !== "get" || name === undefined) return false;
  const pods = stores.of(PODS);
  const pod = pods.cache.get(pods.prefixOf(namespace) + name)?.object;
  // A pod that is gone may be looked for: that it is gone is what its node has to learn.
  return pod === undefined || pod.spec?.nodeName === node;
}

function mayReadReferenced(nodeAttempt: NodeAttempt, target: AttemptedResource): boolean {
  if (!READ.includes(target.verb)) return false;
  return isReferenced(nodeAttempt, target, target.name ?? selects(nodeAttempt.attempt.query, "metadata.name"));
}

function isReferenced(
  { node, stores }: NodeAttempt,
  { resource, namespace }: AttemptedResource,
  name?: string,
): boolean {
  if (namespace === undefined || name === undefined) return false;
  const { cache } = stores.of(PODS);
  const prefix = stores.of(PODS).prefixOf(namespace);
  return cache
    .snapshot()
    .objects.some(({ key, object }) => key.startsWith(prefix) && refersTo(object, { node, resource, name }));
}

function refersTo(pod: Pod, { node, resource, name }: { node: string; resource: string; name: string }): boolean {
  return pod.spec?.nodeName === node && podReferences(pod.spec, resource).has(name);
}

function selects(query: URLSearchParams, field: string): string | undefined {
  const requirements = parseFieldSelector(query.get("fieldSelector") ?? "");
  return requirements.find((requirement) => requirement.field === field && requirement.operator === "=")?.value;
}

import type { Event } from "../core-v1.gen.ts";
import { invalid } from "../field-error.ts";
import type { FieldErrors } from "./checks.ts";

/** Checks an event: it lives in the namespace of what it is about, or in `default` for what has none. */
export function* validateEvent(event: Event): FieldErrors {
  const namespace = event.metadata?.namespace ?? "";
  const { namespace: involved = "" } = event.involvedObject ?? {};
  const fits = involved === "" ? CLUSTER_NAMESPACES.has(namespace) : involved === namespace;
  if (!fits) yield invalid("involvedObject.namespace", involved, "does not match event.namespace");
}

const CLUSTER_NAMESPACES: ReadonlySet<string> = new Set(["", "default", "kube-system"]);

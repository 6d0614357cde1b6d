import type { ConfigMap, Secret } from "../../api/core-v1.gen.ts";
import { CONFIG_MAPS, SECRETS } from "../../api/resource-types.ts";
import { isNotFound } from "../../client/status-answer.ts";
import type { RestClient } from "../../client/rest-client.ts";

/** Reads what pods refer to. Always asks the API server, so that what a pod starts with is no older than its start. */
export interface ObjectReader {
  /** Returns undefined where there is none. */
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>;
  /** Returns undefined where there is none. */
  secret(namespace: string, name: string): Promise<Secret | undefined>;
}

/** Returns a reader over the node's own client. Equal questions in flight share one answer. */
export function createObjectReader(client: RestClient): ObjectReader {
  const inFlight = new Map<string, Promise<unknown>>();
  return {
    configMap: (namespace, name) =>
      shared(`configmap/${namespace}/${name}`, () => found(client.get(CONFIG_MAPS, { namespace, name }))),
    secret: (namespace, name) =>
      shared(`secret/${namespace}/${name}`, () => found(client.get(SECRETS, { namespace, name }))),
  };

  async function shared<T>(key: string, read: () => Promise<T>): Promise<T> {
    const running = inFlight.get(key) ?? read().finally(() => inFlight.delete(key));
    inFlight.set(key, running);
    return (await running) as T;
  }
}

async function found<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

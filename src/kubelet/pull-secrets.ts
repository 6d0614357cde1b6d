import type { Secret as SecretObject } from "../api/core-v1.gen.ts";
import { SECRETS } from "../api/resource-types.ts";
import { messageOf } from "../base/coded-error.ts";
import type { Logger } from "../base/log.ts";
import type { RestClient } from "../client/rest-client.ts";
import type { SourcedConfig } from "../keyring/keyring.ts";
import { dockerConfigOf } from "../keyring/secret-config.ts";
import type { NodePod } from "./node-pod.ts";

/** What a pod's `imagePullSecrets` hold. */
export interface PullSecrets {
  readonly configs: readonly SourcedConfig[];
  /** Names of secrets that could not be read. */
  readonly missing: readonly string[];
  /** Secrets that were read but hold no docker config: what is wrong with each, fit for an event. */
  readonly unusable: readonly string[];
}

/** Reads the pull secrets of a pod in its own namespace. One that fails leaves the others in use. */
export async function readPullSecrets(
  { client, logger }: { readonly client: RestClient; readonly logger: Logger },
  pod: NodePod,
  signal?: AbortSignal,
): Promise<PullSecrets> {
  const names = (pod.spec.imagePullSecrets ?? []).flatMap(({ name }) =>
    name === undefined || name === "" ? [] : [name],
  );
  const results = await Promise.all(names.map((name) => readPullSecret(name)));
  return {
    configs: results.flatMap((result) => (result.kind === "config" ? [result.config] : [])),
    missing: results.flatMap((result) => (result.kind === "missing" ? [result.name] : [])),
    unusable: results.flatMap((result) => (result.kind === "unusable" ? [result.problem] : [])),
  };

  async function readPullSecret(name: string): Promise<SecretResult> {
    const { namespace } = pod;
    try {
      const secret = await client.get(SECRETS, { namespace, name }, signal === undefined ? {} : { signal });
      return configIn(secret);
    } catch (error) {
      signal?.throwIfAborted();
      logger.warn({ pod: pod.name, namespace, secret: name, error: messageOf(error) }, "pull secret cannot be read");
      return { kind: "missing", name };
    }
  }
}

type SecretResult =
  | { readonly kind: "config"; readonly config: SourcedConfig }
  | { readonly kind: "missing"; readonly name: string }
  | { readonly kind: "unusable"; readonly problem: string };

function configIn(secret: SecretObject): SecretResult {
  const { namespace = "", name = "", uid = "" } = secret.metadata ?? {};
  const subject = `secret "${namespace}/${name}"`;
  try {
    const config = dockerConfigOf(secret);
    if (config !== undefined)
      return { kind: "config", config: { source: { kind: "secret", namespace, name, uid }, config } };
    return {
      kind: "unusable",
      problem: `${subject} has type "${secret.type ?? ""}", which holds no registry credentials`,
    };
  } catch (error) {
    return { kind: "unusable", problem: `${subject} is unusable: ${messageOf(error)}` };
  }
}

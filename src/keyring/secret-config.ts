import type { Secret as SecretObject } from "../api/core-v1.gen.ts";
import { type DockerConfig, parseDockercfg, parseDockerConfigJson } from "./docker-config.ts";
import { KeyringError } from "./keyring-error.ts";

/**
 * Returns the docker config in a pull secret, or undefined where the secret's type is none of the two that hold one. Throws
 * `KeyringError` with code `MISSING_KEY` or `MALFORMED_CONFIG`.
 */
export function dockerConfigOf(secret: SecretObject): DockerConfig | undefined {
  switch (secret.type) {
    case "kubernetes.io/dockerconfigjson":
      return parseDockerConfigJson(dataOf(secret, ".dockerconfigjson"));
    case "kubernetes.io/dockercfg":
      return parseDockercfg(dataOf(secret, ".dockercfg"));
    default:
      return undefined;
  }
}

function dataOf(secret: SecretObject, key: string): string {
  const encoded = secret.data?.[key];
  if (encoded === undefined) {
    throw new KeyringError("MISSING_KEY", `Cannot read the docker config: the secret has no data key "${key}"`);
  }
  return Buffer.from(encoded, "base64").toString("utf8");
}

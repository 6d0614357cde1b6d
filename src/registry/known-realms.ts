/** Token services outside their registry's own domain that its vendor documents. `*` stands for one label. */
const KNOWN_REALMS: readonly (readonly [registry: string, realm: string])[] = [
  ["registry-1.docker.io", "auth.docker.io"],
  ["registry.gitlab.com", "gitlab.com"],
  ["quay.io", "quay.io"],
  ["ghcr.io", "ghcr.io"],
  ["public.ecr.aws", "public.ecr.aws"],
  ["*.azurecr.io", "*.azurecr.io"],
  ["*.azurecr.cn", "*.azurecr.cn"],
  ["*.azurecr.us", "*.azurecr.us"],
  ["nvcr.io", "authn.nvidia.com"],
  ["registry.redhat.io", "sso.redhat.com"],
  ["registry.connect.redhat.com", "sso.redhat.com"],
  ["registry.access.redhat.com", "sso.redhat.com"],
  ["icr.io", "iam.cloud.ibm.com"],
  ["*.icr.io", "iam.cloud.ibm.com"],
  ["registry.digitalocean.com", "api.digitalocean.com"],
  ["registry.cn-*.aliyuncs.com", "dockerauth.cn-*.aliyuncs.com"],
];

/** Says whether a token service is known to be a registry's own though their domains differ, or are a whole cloud's. */
export function isKnownRealm(registry: string, realm: string): boolean {
  return KNOWN_REALMS.some(([registryPattern, realmPattern]) => {
    const parts = match(registryPattern, registry);
    // What the wildcard stood for must be the same: one tenant of a cloud is not another.
    return parts !== undefined && realm === realmPattern.replace("*", parts);
  });
}

/** Returns what the wildcard stood for (empty without one), undefined where the pattern does not match. */
function match(pattern: string, host: string): string | undefined {
  if (!pattern.includes("*")) return pattern === host ? "" : undefined;
  const [before = "", after = ""] = pattern.split("*");
  const part = host.slice(before.length, host.length - after.length);
  const isMatch = host === `${before}${part}${after}` && part !== "" && !part.includes(".");
  return isMatch ? part : undefined;
}

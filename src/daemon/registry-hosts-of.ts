import type { RegistryOptions } from "../instance/registry-options.ts";
import { openRegistryHosts, type RegistryHosts } from "../registry/hosts/registry-hosts.ts";

/** Returns where the options say that images are asked for; undefined for the registries themselves and them alone. */
export function registryHostsOf(options: RegistryOptions | undefined): RegistryHosts | undefined {
  if (options === undefined) return undefined;
  const { files, hostsDirectories, ...rest } = options;
  return openRegistryHosts({ registriesFiles: files, certsDirectories: hostsDirectories, ...rest });
}

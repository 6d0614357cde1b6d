import type { RegistryOptions } from "../instance/cluster-options.ts";
import { openRegistryHosts, type RegistryHosts } from "../registry/hosts/registry-hosts.ts";

/** Where `registries.yaml` is looked for, Berth's own place first. */
const REGISTRIES_FILES = ["/etc/berth/registries.yaml", "/etc/rancher/k3s/registries.yaml"];
const HOSTS_DIRECTORIES = ["/etc/berth/certs.d", "/etc/containerd/certs.d"];

/** Returns where the options say that images are asked for; undefined for the registries themselves and them alone. */
export function registryHostsOf(options: RegistryOptions | undefined): RegistryHosts | undefined {
  if (options === undefined) return undefined;
  const { file, hostsDirectory, mirrorsOnly, allowedRealms } = options;
  return openRegistryHosts({
    registriesFiles: file === undefined ? REGISTRIES_FILES : [file],
    certsDirectories: hostsDirectory === undefined ? HOSTS_DIRECTORIES : [hostsDirectory],
    mustExist: [file, hostsDirectory].filter((path) => path !== undefined),
    mirrorsOnly,
    allowedRealms,
  });
}

/** Files that say where images are asked for, in the formats of k3s and containerd. */
export interface RegistryOptions {
  /** Places of `registries.yaml`: the first that is there counts. */
  readonly files: readonly string[];
  /** Directories of `REGISTRY/hosts.toml`, in the order of their precedence. */
  readonly hostsDirectories: readonly string[];
  /** Those of them that somebody named: to lack one is a mistake. */
  readonly mustExist: readonly string[];
  /** Whether a registry that has mirrors is left alone itself. */
  readonly mirrorsOnly: boolean;
  /** `REGISTRY=REALM` pairs of token services outside a registry's domain that may get its credential. */
  readonly allowedRealms: readonly string[];
}

/** Where users of k3s and containerd have these files, Berth's own places first. */
const USUAL_FILES = ["/etc/berth/registries.yaml", "/etc/rancher/k3s/registries.yaml"];
const USUAL_DIRECTORIES = ["/etc/berth/certs.d", "/etc/containerd/certs.d"];

/** What somebody said of it; the usual places hold for the rest. */
export interface RegistryChoices {
  readonly file?: string | undefined;
  readonly hostsDirectory?: string | undefined;
  readonly mirrorsOnly?: boolean | undefined;
  readonly allowedRealms?: readonly string[] | undefined;
}

/** Returns the options of these choices. */
export function registryOptionsOf(choices: RegistryChoices = {}): RegistryOptions {
  const { file, hostsDirectory, mirrorsOnly = false, allowedRealms = [] } = choices;
  return {
    files: file === undefined ? USUAL_FILES : [file],
    hostsDirectories: hostsDirectory === undefined ? USUAL_DIRECTORIES : [hostsDirectory],
    mustExist: [file, hostsDirectory].filter((path) => path !== undefined),
    mirrorsOnly,
    allowedRealms,
  };
}

import type { CredentialSource } from "./credential-source.ts";
import type { BrokenDockerConfigEntry, DockerConfig, RegistryAuth } from "./docker-config.ts";
import { compareIndexKeys, DEFAULT_REGISTRY_KEY, indexKeyOf, isDefaultRegistry, matchesRepository } from "./match.ts";

/** A docker config and where it was found. */
export interface SourcedConfig {
  readonly source: CredentialSource;
  readonly config: DockerConfig;
}

/** A credential that may be tried for an image. */
export interface CredentialCandidate {
  readonly source: CredentialSource;
  /** The key as its config has it. */
  readonly key: string;
  /** The form of the key that matched the image. */
  readonly matchedKey: string;
  readonly auth: RegistryAuth;
}

/** An entry that was set aside because it cannot be read. */
export interface BrokenCredential extends BrokenDockerConfigEntry {
  readonly source: CredentialSource;
}

/** Credentials of several sources, in the kubelet's order. */
export interface Keyring {
  /** Returns every credential for a normalised repository such as `docker.io/library/busybox`, in the order to try them. */
  lookup(repository: string): readonly CredentialCandidate[];
  /** Entries that cannot be used, whatever the image. */
  readonly broken: readonly BrokenCredential[];
}

/**
 * Returns a keyring over groups of configs. The configs of a group share one index, as all pull secrets of a pod do; an earlier
 * group's matches all come before a later group's. Equal credentials are not merged.
 */
export function createKeyring(groups: readonly (readonly SourcedConfig[])[]): Keyring {
  const indexes = groups.map(createIndex);
  return {
    lookup: (repository) => indexes.flatMap((index) => lookupIn(index, repository)),
    broken: groups.flat().flatMap(({ source, config }) => config.broken.map((entry) => ({ ...entry, source }))),
  };
}

/** Candidates by index key, the keys in the order they are tried. */
type Index = ReadonlyMap<string, readonly CredentialCandidate[]>;

function createIndex(configs: readonly SourcedConfig[]): Index {
  const candidates = configs.flatMap(({ source, config }) =>
    config.entries.flatMap(({ key, auth }) => {
      const matchedKey = indexKeyOf(key);
      return matchedKey === undefined ? [] : [{ source, key, matchedKey, auth }];
    }),
  );
  const byKey = Map.groupBy(candidates, (candidate) => candidate.matchedKey);
  return new Map([...byKey].toSorted(([left], [right]) => compareIndexKeys(left, right)));
}

function lookupIn(index: Index, repository: string): readonly CredentialCandidate[] {
  const matches = [...index].flatMap(([key, candidates]) => (matchesRepository(key, repository) ? candidates : []));
  if (matches.length > 0 || !isDefaultRegistry(repository)) return matches;
  return index.get(DEFAULT_REGISTRY_KEY) ?? [];
}

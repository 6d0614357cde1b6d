import type { JsonReader } from "./json-reader.ts";

/** What a manifest of an index is built for, in Go's names. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly osVersion?: string;
}

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: "amd64",
  arm64: "arm64",
  arm: "arm",
  ia32: "386",
  ppc64: "ppc64le",
  s390x: "s390x",
  riscv64: "riscv64",
  loong64: "loong64",
};

/** Returns the platform that this process runs on. */
export function hostPlatform(): Platform {
  return normalizePlatform({ os: "linux", architecture: ARCHITECTURES[process.arch] ?? process.arch });
}

/** Returns `os/architecture[/variant]`. */
export function formatPlatform(platform: Platform): string {
  const variant = platform.variant === undefined ? "" : `/${platform.variant}`;
  return `${platform.os}/${platform.architecture}${variant}`;
}

/** Returns the platform in the one spelling used for comparing: `x86_64` is `amd64`, `arm64/v8` is `arm64`, `arm` is `arm/v7`. */
export function normalizePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase() === "macos" ? "darwin" : platform.os.toLowerCase();
  const { architecture, variant } = normalizeArchitecture(
    platform.architecture.toLowerCase(),
    platform.variant?.toLowerCase() ?? "",
  );
  return {
    os,
    architecture,
    ...(variant === "" ? {} : { variant }),
    ...(platform.osVersion === undefined ? {} : { osVersion: platform.osVersion }),
  };
}

/**
 * Returns which of `candidates` runs on `host`, best first: the host's own variant, then the older variants it can run,
 * newest first. A candidate without platform fits nothing.
 */
export function matchPlatforms<T extends { readonly platform?: Platform }>(
  candidates: readonly T[],
  host: Platform,
): readonly T[] {
  const order = runnablePlatforms(normalizePlatform(host)).map(formatPlatform);
  return candidates
    .map((candidate) => ({ candidate, rank: rankOf(candidate.platform, order) }))
    .filter(({ rank }) => rank >= 0)
    .sort((a, b) => a.rank - b.rank)
    .map(({ candidate }) => candidate);
}

/** Reads the `platform` object of a descriptor. */
export function readPlatform(reader: JsonReader): Platform {
  const variant = reader.optionalString("variant");
  const osVersion = reader.optionalString("os.version");
  return {
    os: reader.optionalString("os") ?? "",
    architecture: reader.optionalString("architecture") ?? "",
    ...(variant === undefined ? {} : { variant }),
    ...(osVersion === undefined ? {} : { osVersion }),
  };
}

function rankOf(platform: Platform | undefined, order: readonly string[]): number {
  return platform === undefined ? -1 : order.indexOf(formatPlatform(normalizePlatform(platform)));
}

function normalizeArchitecture(architecture: string, variant: string): { architecture: string; variant: string } {
  switch (architecture) {
    case "i386":
      return { architecture: "386", variant: "" };
    case "x86_64":
    case "x86-64":
    case "amd64":
      return { architecture: "amd64", variant: variant === "v1" ? "" : variant };
    case "aarch64":
    case "arm64":
      return { architecture: "arm64", variant: variant === "8" || variant === "v8" ? "" : variant };
    case "armhf":
      return { architecture: "arm", variant: "v7" };
    case "armel":
      return { architecture: "arm", variant: "v6" };
    case "arm":
      return { architecture: "arm", variant: armVariant(variant) };
    default:
      return { architecture, variant };
  }
}

function armVariant(variant: string): string {
  if (variant === "" || variant === "7") return "v7";
  return /^\d/.test(variant) ? `v${variant}` : variant;
}

/** The order in which containerd's `Only` prefers platforms for a host. */
function runnablePlatforms(host: Platform): readonly Platform[] {
  if (host.architecture === "amd64") return withOlderVariants(host, Number(host.variant?.slice(1) ?? "1"), 1);
  if (host.architecture === "arm") return withOlderVariants(host, Number(host.variant?.slice(1) ?? "7"), 5);
  if (host.architecture !== "arm64") return [host];
  return [host, ...withOlderVariants({ ...host, architecture: "arm", variant: "v8" }, 8, 5)];
}

function withOlderVariants(host: Platform, newest: number, oldest: number): readonly Platform[] {
  const platforms: Platform[] = [];
  for (let level = newest; level >= oldest; level--)
    platforms.push(normalizePlatform({ ...host, variant: `v${level}` }));
  return platforms;
}

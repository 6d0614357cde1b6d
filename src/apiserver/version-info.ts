import { packageVersion } from "../base/package-version.ts";

/** The minor version of Kubernetes whose API is served. */
export const KUBERNETES_MINOR = "35";

/** Returns what `/version` says: a Kubernetes version with ours as its build. */
export function versionInfo(): Readonly<Record<string, string>> {
  return {
    major: "1",
    minor: KUBERNETES_MINOR,
    gitVersion: `v1.${KUBERNETES_MINOR}.0+berth.${packageVersion()}`,
    gitCommit: "",
    gitTreeState: "",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: "",
    compiler: "node",
    platform: `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`,
  };
}

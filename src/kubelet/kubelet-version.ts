import { packageVersion } from "../base/package-version.ts";

/** Returns the version that the node reports: Kubernetes' whose behaviour it follows, with ours behind it, as semver allows. */
export function kubeletVersion(): string {
  return `v1.35.0+berth.${packageVersion()}`;
}

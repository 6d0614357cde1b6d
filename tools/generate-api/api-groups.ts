/** A group-version that types are generated for. */
export interface ApiGroup {
  /** The name of its files, as in `core-v1`. */
  readonly file: string;
  readonly group: string;
  readonly version: string;
  /** The Go package that declares its types. */
  readonly goPackage: string;
}

/** The group-versions that are served, or stand in the roadmap. */
export const API_GROUPS: readonly ApiGroup[] = [
  { file: "meta-v1", group: "meta.k8s.io", version: "v1", goPackage: "k8s.io/apimachinery/pkg/apis/meta/v1" },
  { file: "core-v1", group: "", version: "v1", goPackage: "k8s.io/api/core/v1" },
  builtIn("apidiscovery", "v2", "apidiscovery.k8s.io"),
  builtIn("admissionregistration", "v1", "admissionregistration.k8s.io"),
  {
    file: "apiextensions-v1",
    group: "apiextensions.k8s.io",
    version: "v1",
    goPackage: "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1",
  },
  builtIn("apps", "v1", "apps"),
  builtIn("authentication", "v1", "authentication.k8s.io"),
  builtIn("authorization", "v1", "authorization.k8s.io"),
  builtIn("autoscaling", "v1", "autoscaling"),
  builtIn("autoscaling", "v2", "autoscaling"),
  builtIn("batch", "v1", "batch"),
  builtIn("certificates", "v1", "certificates.k8s.io"),
  builtIn("coordination", "v1", "coordination.k8s.io"),
  builtIn("discovery", "v1", "discovery.k8s.io"),
  builtIn("events", "v1", "events.k8s.io"),
  builtIn("networking", "v1", "networking.k8s.io"),
  builtIn("node", "v1", "node.k8s.io"),
  builtIn("policy", "v1", "policy"),
  builtIn("rbac", "v1", "rbac.authorization.k8s.io"),
  builtIn("scheduling", "v1", "scheduling.k8s.io"),
  builtIn("storage", "v1", "storage.k8s.io"),
];

function builtIn(name: string, version: string, group: string): ApiGroup {
  return { file: `${name}-${version}`, group, version, goPackage: `k8s.io/api/${name}/${version}` };
}

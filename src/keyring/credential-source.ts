/** Where a credential comes from. */
export type CredentialSource =
  | { readonly kind: "secret"; readonly namespace: string; readonly name: string; readonly uid: string }
  | { readonly kind: "node-file"; readonly path: string };

/** Returns the source as events name it, e.g. `secret "default/regcred"`. */
export function formatCredentialSource(source: CredentialSource): string {
  if (source.kind === "secret") return `secret "${source.namespace}/${source.name}"`;
  return `node file "${source.path}"`;
}

import type { Secret } from "../core-v1.gen.ts";

/** Fills in a secret's type, and moves `stringData` into `data`. */
export function defaultSecret(secret: Secret): void {
  secret.type ??= "Opaque";
  if (secret.stringData === undefined) return;
  const added = Object.entries(secret.stringData).map(([key, text]) => [key, Buffer.from(text).toString("base64")]);
  // Built from entries, since a spread object literal would lose no key but an assignment to `__proto__` would.
  secret.data = Object.fromEntries([...Object.entries(secret.data ?? {}), ...added]) as Record<string, string>;
  delete secret.stringData;
}

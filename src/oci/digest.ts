import { createHash, type Hash } from "node:crypto";

import { OciError } from "./oci-error.ts";

/** `algorithm:hex` of a registered algorithm, checked: safe as part of a path or URL. Only `parseDigest` and `digestOf` make one. */
export type Digest = string & { readonly [brand]: true };

declare const brand: unique symbol;

export type DigestAlgorithm = "sha256" | "sha512";

const HEX_LENGTHS: Readonly<Record<DigestAlgorithm, number>> = { sha256: 64, sha512: 128 };

/** Returns `text` as a digest. Throws `OciError` with code `DIGEST_INVALID` unless it is lower-case sha256 or sha512. */
export function parseDigest(text: string): Digest {
  const reason = digestFault(text);
  if (reason !== undefined) {
    throw new OciError("DIGEST_INVALID", `Cannot parse digest ${JSON.stringify(text.slice(0, 160))}: ${reason}`);
  }
  return text as Digest;
}

/** Says whether `text` is a digest that `parseDigest` takes. */
export function isDigest(text: string): text is Digest {
  return digestFault(text) === undefined;
}

/** Returns the digest of `bytes`. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}` as Digest;
}

/** Returns the digest of what was fed to `hash`, which must be of `algorithm`; the hash cannot be used further. */
export function digestOfHash(algorithm: DigestAlgorithm, hash: Hash): Digest {
  return `${algorithm}:${hash.digest("hex")}` as Digest;
}

export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.startsWith("sha512:") ? "sha512" : "sha256";
}

/** Returns the hexadecimal part. */
export function encodedOf(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

function digestFault(text: string): string | undefined {
  const colon = text.indexOf(":");
  if (colon < 1) return 'it must read "algorithm:hex"';
  const algorithm = text.slice(0, colon);
  if (algorithm !== "sha256" && algorithm !== "sha512") return "unsupported digest algorithm";
  const encoded = text.slice(colon + 1);
  const length = HEX_LENGTHS[algorithm];
  if (encoded.length !== length) return `${algorithm} has ${length} hexadecimal digits, not ${encoded.length}`;
  return /^[0-9a-f]+$/.test(encoded) ? undefined : "only lower-case hexadecimal digits are allowed";
}

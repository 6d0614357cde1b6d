import { type Digest, isDigest } from "./digest.ts";
import { OciError } from "./oci-error.ts";

/** A normalised image reference: what `busybox` means once the default registry and `library/` are filled in. */
export interface Reference {
  /** Registry host with its port if one was given, as written; `docker.io` for the default registry. */
  readonly domain: string;
  /** Repository within the registry, e.g. `library/busybox`. */
  readonly path: string;
  /** `domain/path`: what credentials are matched by. */
  readonly repository: string;
  readonly tag?: string;
  /** Where a tag is there too, the digest decides. */
  readonly digest?: Digest;
}

const DEFAULT_DOMAIN = "docker.io";
const MAX_REFERENCE_LENGTH = 2048;
const MAX_PATH_LENGTH = 255;

// distribution/reference grammar. No quantifier below can match the same text in two ways, so matching is linear.
const DOMAIN_COMPONENT = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const DOMAIN = new RegExp(`^(?:${DOMAIN_COMPONENT}(?:\\.${DOMAIN_COMPONENT})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const PATH_COMPONENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;

/**
 * Parses an image reference as users write it. Throws `OciError` with code `REFERENCE_INVALID`, its message ending in
 * `invalid reference format` and the place of the fault.
 */
export function parseReference(text: string): Reference {
  if (text === "") throw fault(text, "it is empty");
  if (text.length > MAX_REFERENCE_LENGTH) throw fault(text, `it is longer than ${MAX_REFERENCE_LENGTH} characters`);
  const { rest: withTag, digest } = splitDigest(text);
  const { rest: name, tag } = splitTag(text, withTag);
  if (/^[a-f0-9]{64}$/.test(text)) throw fault(text, "64 hexadecimal digits name an image id, not a repository");
  const { domain, path } = splitDomain(name);
  checkDomain(text, domain);
  checkPath(text, path);
  return {
    domain,
    path,
    repository: `${domain}/${path}`,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** Returns the normalised text, e.g. `docker.io/library/busybox:1`. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return `${reference.repository}${tag}${digest}`;
}

/** Returns the reference with tag `latest` where it has neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  if (reference.tag !== undefined || reference.digest !== undefined) return reference;
  return { ...reference, tag: "latest" };
}

/** Returns `text` with `:latest` added where it names neither tag nor digest, otherwise unchanged. Throws as `parseReference`. */
export function applyDefaultTag(text: string): string {
  const reference = parseReference(text);
  return reference.tag === undefined && reference.digest === undefined ? `${text}:latest` : text;
}

function splitDigest(text: string): { readonly rest: string; readonly digest?: Digest } {
  const at = text.indexOf("@");
  if (at < 0) return { rest: text };
  const digest = text.slice(at + 1);
  if (!isDigest(digest)) throw fault(text, 'what follows "@" must be a sha256 or sha512 digest in lower case');
  return { rest: text.slice(0, at), digest };
}

function splitTag(text: string, rest: string): { readonly rest: string; readonly tag?: string } {
  const colon = rest.indexOf(":", rest.lastIndexOf("/") + 1);
  // A colon in the only component starts a tag: `localhost:5000` is repository `localhost` with tag `5000`.
  if (colon < 0) return { rest };
  const tag = rest.slice(colon + 1);
  if (!TAG.test(tag)) throw fault(text, `tag ${quote(tag)} must be up to 128 of letters, digits, "_", "." and "-"`);
  return { rest: rest.slice(0, colon), tag };
}

function splitDomain(name: string): { readonly domain: string; readonly path: string } {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const isDomain = first === "localhost" || /[.:]/.test(first) || first.toLowerCase() !== first;
  if (slash >= 0 && !isDomain) return { domain: DEFAULT_DOMAIN, path: name };
  if (slash < 0) return { domain: DEFAULT_DOMAIN, path: `library/${name}` };
  const path = name.slice(slash + 1);
  if (first !== DEFAULT_DOMAIN && first !== "index.docker.io") return { domain: first, path };
  return { domain: DEFAULT_DOMAIN, path: path.includes("/") ? path : `library/${path}` };
}

function checkDomain(text: string, domain: string): void {
  if (!DOMAIN.test(domain)) throw fault(text, `registry host ${quote(domain)} is not a host name or address`);
}

function checkPath(text: string, path: string): void {
  if (path.length > MAX_PATH_LENGTH) throw fault(text, `the repository is longer than ${MAX_PATH_LENGTH} characters`);
  for (const component of path.split("/")) {
    if (PATH_COMPONENT.test(component)) continue;
    if (/[A-Z]/.test(component) && PATH_COMPONENT.test(component.toLowerCase())) {
      throw fault(text, `repository name must be lowercase, and ${quote(component)} is not`);
    }
    throw fault(text, component === "" ? "a part of the repository is empty" : `${quote(component)} is not allowed`);
  }
}

function fault(text: string, where: string): OciError {
  return new OciError(
    "REFERENCE_INVALID",
    `Cannot parse image name ${quote(text)}: invalid reference format: ${where}`,
  );
}

function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}

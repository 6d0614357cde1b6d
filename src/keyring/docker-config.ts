import { Secret } from "../base/secret.ts";
import { KeyringError } from "./keyring-error.ts";

/** One user name and password for a registry. */
export interface RegistryAuth {
  readonly username: string;
  readonly password: Secret;
}

/** One usable entry of a docker config. */
export interface DockerConfigEntry {
  /** The registry key as written, e.g. `https://index.docker.io/v1/`. */
  readonly key: string;
  readonly auth: RegistryAuth;
}

/** An entry that cannot be used. `problem` is fit for an event: it never quotes the entry. */
export interface BrokenDockerConfigEntry {
  readonly key: string;
  readonly problem: string;
}

/** The credentials of one docker config file or pull secret, in the order written. */
export interface DockerConfig {
  readonly entries: readonly DockerConfigEntry[];
  readonly broken: readonly BrokenDockerConfigEntry[];
}

/**
 * Parses the format of `~/.docker/config.json` and of `kubernetes.io/dockerconfigjson`: an object with `auths`. A broken entry is set
 * aside by its key and the rest kept. Throws `KeyringError` with code `MALFORMED_CONFIG`.
 */
export function parseDockerConfigJson(text: string): DockerConfig {
  const config = parseObject(text);
  const auths = config["auths"];
  if (auths === undefined || auths === null) return { entries: [], broken: [] };
  if (!isObject(auths)) throw malformed('"auths" is not an object');
  return parseEntries(auths);
}

/** Parses the format of `~/.dockercfg` and of `kubernetes.io/dockercfg`: the bare map. Throws as `parseDockerConfigJson` does. */
export function parseDockercfg(text: string): DockerConfig {
  return parseEntries(parseObject(text));
}

type JsonObject = Readonly<Record<string, unknown>>;

function parseObject(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which holds passwords.
    throw malformed("it is not JSON");
  }
  if (!isObject(value)) throw malformed("it is not a JSON object");
  return value;
}

function parseEntries(auths: JsonObject): DockerConfig {
  const entries: DockerConfigEntry[] = [];
  const broken: BrokenDockerConfigEntry[] = [];
  for (const [key, entry] of Object.entries(auths)) {
    const parsed = parseEntry(entry);
    if (typeof parsed === "string") broken.push({ key, problem: parsed });
    else entries.push({ key, auth: parsed });
  }
  return { entries, broken };
}

/** Returns the credential, or what is wrong with the entry. */
function parseEntry(entry: unknown): RegistryAuth | string {
  if (!isObject(entry)) return "it is not an object";
  for (const field of ["username", "password", "email", "auth"]) {
    const value = entry[field];
    if (value !== undefined && value !== null && typeof value !== "string") return `"${field}" is not a string`;
  }
  const auth = textOf(entry, "auth");
  if (auth !== "") return decodeAuth(auth);
  const username = textOf(entry, "username");
  const password = textOf(entry, "password");
  if (username === "" && password === "") return "it holds no user name and password";
  return { username, password: new Secret(password) };
}

function textOf(entry: JsonObject, field: string): string {
  const value = entry[field];
  return typeof value === "string" ? value : "";
}

/** `auth` is base64 of `user:password`, split at the first colon; the padding may be left out. */
function decodeAuth(auth: string): RegistryAuth | string {
  const decoded = decodeBase64(auth);
  if (decoded === undefined) return '"auth" is not base64';
  const colon = decoded.indexOf(":");
  if (colon < 0) return '"auth" does not decode to "user:password"';
  return { username: decoded.slice(0, colon), password: new Secret(decoded.slice(colon + 1)) };
}

function decodeBase64(text: string): string | undefined {
  // Line breaks inside are legal to Go's decoder, which real configs were written against.
  const unbroken = text.replaceAll(/[\r\n]/g, "");
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(unbroken)) return undefined;
  const digits = unbroken.replace(/=+$/, "");
  const isPadded = unbroken.length > digits.length;
  if (digits.length % 4 === 1 || (isPadded && unbroken.length % 4 !== 0)) return undefined;
  return Buffer.from(digits, "base64").toString("utf8");
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function malformed(reason: string): KeyringError {
  return new KeyringError("MALFORMED_CONFIG", `Cannot read the docker config: ${reason}`);
}

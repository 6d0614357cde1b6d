import { isDeepStrictEqual } from "node:util";
import type { Secret } from "../core-v1.gen.ts";
import { atKey, type FieldError, forbidden, invalid, required, tooLong } from "../field-error.ts";
import { jsonFaultOffset } from "../json-fault.ts";
import { checkText, type FieldErrors } from "./checks.ts";
import { configMapKeyFaults } from "./names.ts";

/** Checks a new secret, after its defaults. Messages hold keys and offsets, never content. */
export function* validateSecret(secret: Secret): FieldErrors {
  const data = secret.data ?? {};
  let size = 0;
  for (const [key, value] of Object.entries(data)) {
    yield* checkText(atKey("data", key), key, configMapKeyFaults);
    size += Buffer.byteLength(value, "base64");
  }
  if (size > MAX_SECRET_BYTES) yield tooLong("data", MAX_SECRET_BYTES);
  yield* TYPES.get(secret.type ?? "")?.(data, secret) ?? [];
}

/** Checks a change of a secret. */
export function* validateSecretUpdate(secret: Secret, before: Secret): FieldErrors {
  if ((secret.type ?? "") !== (before.type ?? "")) yield invalid("type", secret.type, "field is immutable");
  if (before.immutable === true) {
    const detail = "field is immutable when `immutable` is set";
    if (secret.immutable !== true) yield forbidden("immutable", detail);
    if (!isDeepStrictEqual(secret.data ?? {}, before.data ?? {})) yield forbidden("data", detail);
  }
  yield* validateSecret(secret);
}

const MAX_SECRET_BYTES = 1024 * 1024;

type Data = Readonly<Record<string, string>>;

const TYPES: ReadonlyMap<string, (data: Data, secret: Secret) => FieldErrors> = new Map([
  ["kubernetes.io/service-account-token", serviceAccountToken],
  ["kubernetes.io/dockercfg", (data: Data) => dockerConfig(data, ".dockercfg")],
  ["kubernetes.io/dockerconfigjson", (data: Data) => dockerConfig(data, ".dockerconfigjson")],
  ["kubernetes.io/basic-auth", basicAuth],
  ["kubernetes.io/ssh-auth", (data: Data) => keysWithContent(data, ["ssh-privatekey"])],
  ["kubernetes.io/tls", (data: Data) => keys(data, ["tls.crt", "tls.key"])],
]);

const SERVICE_ACCOUNT_NAME = "kubernetes.io/service-account.name";

function* serviceAccountToken(_data: Data, secret: Secret): FieldErrors {
  if ((secret.metadata?.annotations?.[SERVICE_ACCOUNT_NAME] ?? "") !== "") return;
  yield required(atKey("metadata.annotations", SERVICE_ACCOUNT_NAME));
}

function* dockerConfig(data: Data, key: string): FieldErrors {
  const value = Object.hasOwn(data, key) ? data[key] : undefined;
  if (value === undefined) yield required(atKey("data", key));
  else yield* jsonObject(Buffer.from(value, "base64").toString(), atKey("data", key));
}

/** Kubernetes passes the parser's message on, which may quote the content: the offset says as much. */
function* jsonObject(text: string, path: string): Iterable<FieldError> {
  const offset = jsonFaultOffset(text);
  const redacted = "<secret contents redacted>";
  if (offset !== undefined && offset >= text.length) yield invalid(path, redacted, "unexpected end of JSON input");
  else if (offset !== undefined) yield invalid(path, redacted, `invalid character at offset ${offset}: not JSON`);
  else if (!/^\s*(?:\{|null)/.test(text)) yield invalid(path, redacted, "the JSON is no object");
}

function* basicAuth(data: Data): FieldErrors {
  if (Object.hasOwn(data, "username") || Object.hasOwn(data, "password")) return;
  yield required(atKey("data", "username"));
  yield required(atKey("data", "password"));
}

function* keysWithContent(data: Data, names: readonly string[]): FieldErrors {
  for (const name of names) if (!Object.hasOwn(data, name) || data[name] === "") yield required(atKey("data", name));
}

function* keys(data: Data, names: readonly string[]): FieldErrors {
  for (const name of names) if (!Object.hasOwn(data, name)) yield required(atKey("data", name));
}

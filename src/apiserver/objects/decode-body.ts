import { badRequestStatus, unsupportedMediaTypeStatus } from "../../api/status.ts";
import { decodeProtobuf } from "../../api/protobuf-decode.ts";
import {
  type Decoded,
  decodeJson,
  decodeValue,
  enforceFieldValidation,
  type ExpectedKind,
} from "../../api/strict-decoding.ts";
import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import type { ApiRequest } from "../http/api-request.ts";
import { fieldValidationOf } from "./request-options.ts";
import { parseYaml } from "./parse-yaml.ts";

/** The media types in which objects are taken. */
export const OBJECT_MEDIA_TYPES = [
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
] as const;

/** Returns the media type of a body, without parameters. */
export function mediaTypeOf({ headers }: ApiRequest): string {
  return (headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}

/**
 * Decodes an object from a request's body, as strictly as `fieldValidation` says; what it only warns about is added to the
 * request's warnings. Throws `StatusError`.
 */
export async function decodeObject<T extends KubernetesObject>(
  request: ApiRequest,
  expected: ExpectedKind,
): Promise<T> {
  const validation = fieldValidationOf(request);
  const { object, strictErrors } = await decode<T>(request, expected);
  request.warnings.push(...enforceFieldValidation(strictErrors, validation, expected));
  return object;
}

/** Decodes an object that may be left out, ignoring what it does not know, as for delete options. */
export async function decodeOptional(request: ApiRequest): Promise<Readonly<Record<string, unknown>>> {
  const body = await request.readBody();
  if (body.byteLength === 0) return {};
  const value = await valueOf(body, mediaTypeOf(request) || "application/json");
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw badRequestStatus("the body is no object");
  return value as Readonly<Record<string, unknown>>;
}

async function decode<T extends KubernetesObject>(request: ApiRequest, expected: ExpectedKind): Promise<Decoded<T>> {
  const body = await request.readBody();
  const mediaType = mediaTypeOf(request);
  if (mediaType === "application/json" || mediaType === "") return decodeJson<T>(body.toString("utf8"), expected);
  return decodeValue<T>(await valueOf(body, mediaType), expected);
}

async function valueOf(body: Buffer, mediaType: string): Promise<unknown> {
  switch (mediaType) {
    case "application/json":
    case "application/yaml":
      // JSON is YAML too, and what is small needs no faster parser.
      return mediaType === "application/json" ? parseJson(body) : await parseYaml(body.toString("utf8"));
    case "application/vnd.kubernetes.protobuf":
      return decodeProtobuf(body);
    default:
      throw unsupportedMediaTypeStatus(OBJECT_MEDIA_TYPES);
  }
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    // The parser quotes what it read, and that may be secret.
    throw badRequestStatus("the body is not valid JSON");
  }
}

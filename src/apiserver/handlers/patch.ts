import { applyJsonPatch } from "../../api/json-patch.ts";
import { applyMergePatch } from "../../api/merge-patch.ts";
import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import { apiVersionOf } from "../../api/resource-types.ts";
import { typeRefOfKind } from "../../api/schema/type-schema.ts";
import { badRequestStatus, StatusError } from "../../api/status.ts";
import { applyStrategicMergePatch } from "../../api/strategic-merge-patch.ts";
import { decodeValue, enforceFieldValidation } from "../../api/strict-decoding.ts";
import { parseStrictJson } from "../../api/strict-json.ts";
import type { ApiResponse } from "../http/api-response.ts";
import { changeObject } from "../objects/change-object.ts";
import { mediaTypeOf } from "../objects/decode-body.ts";
import { matchName, matchNamespace } from "../objects/object-metadata.ts";
import { fieldValidationOf, isDryRun } from "../objects/request-options.ts";
import { renderObject } from "../render/render-object.ts";
import { mutateObject } from "./mutate-object.ts";
import type { ObjectCall } from "./resource-call.ts";

/** The patch formats that are served. */
export const PATCH_MEDIA_TYPES = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
] as const;

/** Changes an object, or its status, by a patch. Somebody else's change in between is no conflict unless the patch says so. */
export async function handlePatch(call: ObjectCall): Promise<ApiResponse> {
  const { request, version } = call;
  const apply = patchFunction(mediaTypeOf(request), call);
  const { value: patch, duplicates } = parseStrictJson((await request.readBody()).toString("utf8"));
  const duplicateErrors = duplicates.map((path) => `duplicate field "${path}"`);
  const dryRun = isDryRun(request.query.getAll("dryRun"), "PatchOptions");
  const warnings = new Set<string>();
  const decide = async (old: KubernetesObject) => {
    const shown = version === undefined ? old : version.fromStored(old);
    const object = decodePatched(call, apply(shown, patch), { duplicateErrors, warnings });
    return await changeObject(call, version === undefined ? object : version.toStored(object), old);
  };
  const { stored } = await mutateObject(call, decide, dryRun);
  request.warnings.push(...warnings);
  return renderObject(call, stored, 200);
}

type PatchFunction = (target: unknown, patch: unknown) => unknown;

function patchFunction(mediaType: string, { definition, version }: ObjectCall): PatchFunction {
  const servedType = version?.type ?? definition.type;
  const type = typeRefOfKind(apiVersionOf(servedType), servedType.kind);
  switch (mediaType) {
    case "application/json-patch+json":
      return applyJsonPatch;
    case "application/merge-patch+json":
      return applyMergePatch;
    case "application/strategic-merge-patch+json":
      if (type === undefined) throw badRequestStatus(`no schema is known for kind "${definition.type.kind}"`);
      return (target, patch) => applyStrategicMergePatch(target, patch, type);
    case "application/apply-patch+yaml":
      throw notServed("server-side apply is not served by this version; use client-side apply");
    default:
      throw notServed(
        `the body of the request was in an unknown format - accepted media types include: ${PATCH_MEDIA_TYPES.join(", ")}`,
      );
  }
}

function decodePatched(
  { definition, version, request, target }: ObjectCall,
  patched: unknown,
  found: { readonly duplicateErrors: readonly string[]; readonly warnings: Set<string> },
): KubernetesObject {
  const { type } = version ?? definition;
  const expected = { apiVersion: apiVersionOf(type), kind: type.kind };
  const { object, strictErrors } = decodeValue<KubernetesObject>(patched, expected);
  const errors = [...found.duplicateErrors, ...strictErrors];
  for (const text of enforceFieldValidation(errors, fieldValidationOf(request), expected)) found.warnings.add(text);
  matchName(object, target.name);
  matchNamespace(definition.type, object, target);
  return object;
}

function notServed(message: string): StatusError {
  return new StatusError("UnsupportedMediaType", message);
}

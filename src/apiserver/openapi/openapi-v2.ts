import { apiPath } from "../../api/resource-types.ts";
import type { DiscoverableKind } from "../resources/resource-definition.ts";
import { messageField, textField } from "./protobuf-writer.ts";

/** The media type of OpenAPI v2 as gnostic's protocol buffers. Clients ask for it by another name, which is none: it has an `@`. */
export const OPENAPI_V2_MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/**
 * Returns an OpenAPI v2 document without schemas: for each kind the PATCH operation with its kind and the parameters it
 * takes. kubectl asks it, for lists alone, whether the server validates fields; everything else it learns from OpenAPI v3.
 */
export function openApiV2Document(definitions: readonly DiscoverableKind[]): Buffer {
  const info = messageField(DOCUMENT.info, textField(INFO.title, "Kubernetes"), textField(INFO.version, "v1"));
  const paths = messageField(
    DOCUMENT.paths,
    ...definitions.filter(({ verbs }) => verbs?.includes("patch") !== false).map(pathItem),
  );
  return Buffer.concat([textField(DOCUMENT.swagger, "2.0"), info, paths]);
}

// Field numbers of gnostic's openapiv2 messages.
const DOCUMENT = { swagger: 1, info: 2, paths: 8 } as const;
const INFO = { title: 1, version: 2 } as const;
const PATHS = { path: 2 } as const;
const NAMED = { name: 1, value: 2 } as const;
const PATH_ITEM = { patch: 8 } as const;
const OPERATION = { parameters: 8, vendorExtension: 13 } as const;
const PARAMETERS_ITEM = { parameter: 1 } as const;
const PARAMETER = { nonBodyParameter: 2 } as const;
const NON_BODY_PARAMETER = { query: 3 } as const;
const QUERY = { in: 2, name: 4, type: 6 } as const;
const ANY = { yaml: 2 } as const;

const PATCH_PARAMETERS = ["dryRun", "fieldManager", "fieldValidation"] as const;

function pathItem({ type }: DiscoverableKind): Buffer {
  const scope = type.namespaced ? { namespace: "{namespace}" } : {};
  const path = decodeURIComponent(apiPath(type, { ...scope, name: "{name}" }));
  const kind = JSON.stringify({ group: type.group, kind: type.kind, version: type.version });
  const extension = messageField(
    OPERATION.vendorExtension,
    textField(NAMED.name, "x-kubernetes-group-version-kind"),
    messageField(NAMED.value, textField(ANY.yaml, kind)),
  );
  const patch = messageField(PATH_ITEM.patch, ...PATCH_PARAMETERS.map(queryParameter), extension);
  return messageField(PATHS.path, textField(NAMED.name, path), messageField(NAMED.value, patch));
}

function queryParameter(name: string): Buffer {
  const query = messageField(
    NON_BODY_PARAMETER.query,
    textField(QUERY.in, "query"),
    textField(QUERY.name, name),
    textField(QUERY.type, "string"),
  );
  const parameter = messageField(PARAMETERS_ITEM.parameter, messageField(PARAMETER.nonBodyParameter, query));
  return messageField(OPERATION.parameters, parameter);
}

import { SCHEMA_GROUPS } from "./schema/schema-groups.gen.ts";
import { readTypeDescriptions } from "./schema/type-descriptions.ts";
import { type FieldSchema, type Scalar, type TypeRef, typeSchema } from "./schema/type-schema.ts";

/** Any JSON object of an OpenAPI document. */
export type OpenApiObject = Readonly<Record<string, unknown>>;

/** Returns the `components.schemas` of some types and of all they refer to. */
export function componentSchemas(roots: readonly TypeRef[]): OpenApiObject {
  const building = new SchemaBuilder();
  return building.build(roots);
}

/** Returns a reference to a type's schema. */
export function schemaReference(ref: TypeRef): OpenApiObject {
  return { $ref: `#/components/schemas/${schemaName(ref)}` };
}

/** Returns a type's name among the schemas, as in `io.k8s.api.core.v1.Pod`. */
function schemaName(ref: TypeRef): string {
  const [file = "", name = ""] = ref.split("/");
  const [group = "", version = ""] = file.split("-");
  if (group === "meta") return `${META_PREFIX}.${name}`;
  if (group === "apiextensions") return `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.${version}.${name}`;
  return `io.k8s.api.${group}.${version}.${name}`;
}

const META_PREFIX = "io.k8s.apimachinery.pkg.apis.meta.v1";

/** Scalars that have a schema with a name, which `kubectl explain` shows. */
const NAMED_SCALARS: ReadonlyMap<Scalar, { readonly name: string; readonly schema: OpenApiObject }> = new Map([
  ["time", { name: `${META_PREFIX}.Time`, schema: { type: "string", format: "date-time" } }],
  ["microTime", { name: `${META_PREFIX}.MicroTime`, schema: { type: "string", format: "date-time" } }],
  ["duration", { name: `${META_PREFIX}.Duration`, schema: { type: "string" } }],
  [
    "quantity",
    {
      name: "io.k8s.apimachinery.pkg.api.resource.Quantity",
      schema: { oneOf: [{ type: "string" }, { type: "number" }] },
    },
  ],
  [
    "intOrString",
    {
      name: "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
      schema: { format: "int-or-string", oneOf: [{ type: "integer" }, { type: "string" }] },
    },
  ],
]);

const PLAIN_SCALARS: ReadonlyMap<Scalar, OpenApiObject> = new Map<Scalar, OpenApiObject>([
  ["string", { type: "string", default: "" }],
  ["boolean", { type: "boolean", default: false }],
  ["int32", { type: "integer", format: "int32", default: 0 }],
  ["int64", { type: "integer", format: "int64", default: 0 }],
  ["double", { type: "number", format: "double", default: 0 }],
  ["bytes", { type: "string", format: "byte" }],
  ["raw", { type: "object" }],
  ["any", {}],
]);

class SchemaBuilder {
  readonly #schemas = new Map<string, OpenApiObject>();
  readonly #descriptions = new Map<string, ReadonlyMap<string, string>>();

  build(roots: readonly TypeRef[]): OpenApiObject {
    const queue = [...roots];
    for (let ref = queue.pop(); ref !== undefined; ref = queue.pop()) {
      if (this.#schemas.has(schemaName(ref))) continue;
      this.#schemas.set(schemaName(ref), this.#type(ref));
      for (const field of Object.values(typeSchema(ref)?.fields ?? {})) {
        if (field.ref !== undefined) queue.push(field.ref);
        const named = NAMED_SCALARS.get(field.scalar ?? "any");
        if (named !== undefined) this.#schemas.set(named.name, named.schema);
      }
    }
    return Object.fromEntries([...this.#schemas].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  #type(ref: TypeRef): OpenApiObject {
    const fields = Object.entries(typeSchema(ref)?.fields ?? {});
    const required = fields.filter(([, field]) => field.required === true).map(([name]) => name);
    const kinds = groupVersionKinds(ref);
    return {
      description: this.#describe(ref),
      type: "object",
      ...(required.length === 0 ? {} : { required }),
      properties: Object.fromEntries(fields.map(([name, field]) => [name, this.#property(ref, name, field)])),
      ...(kinds.length === 0 ? {} : { "x-kubernetes-group-version-kind": kinds }),
    };
  }

  #property(owner: TypeRef, name: string, field: FieldSchema): OpenApiObject {
    const description = this.#describe(owner, name);
    return {
      ...(description === undefined ? {} : { description }),
      ...contained(field),
      ...listExtensions(field),
    };
  }

  #describe(ref: TypeRef, field?: string): string | undefined {
    const [file = "", name = ""] = ref.split("/");
    const known = this.#descriptions.get(file) ?? readTypeDescriptions(file);
    this.#descriptions.set(file, known);
    return known.get(field === undefined ? name : `${name}.${field}`);
  }
}

function contained(field: FieldSchema): OpenApiObject {
  switch (field.container) {
    case "list":
      return { type: "array", items: element(field, true) };
    case "map":
      return { type: "object", additionalProperties: element(field, true) };
    case "mapOfLists":
      return { type: "object", additionalProperties: { type: "array", items: element(field, true) } };
    default:
      return element(field, field.alwaysPresent === true);
  }
}

function element(field: FieldSchema, withDefault: boolean): OpenApiObject {
  const scalar = field.scalar ?? "any";
  const named = NAMED_SCALARS.get(scalar);
  if (field.ref !== undefined) return referenceTo(schemaName(field.ref), withDefault);
  if (named !== undefined) return referenceTo(named.name, false);
  const { default: zero, ...schema } = PLAIN_SCALARS.get(scalar) ?? {};
  return withDefault && zero !== undefined ? { ...schema, default: zero } : schema;
}

function referenceTo(name: string, withDefault: boolean): OpenApiObject {
  return { allOf: [{ $ref: `#/components/schemas/${name}` }], ...(withDefault ? { default: {} } : {}) };
}

function listExtensions(field: FieldSchema): OpenApiObject {
  const { container, listMapKeys, patchMergeKey, patchStrategy } = field;
  const isSet = patchStrategy === "merge" && listMapKeys === undefined;
  return {
    ...(container === "list"
      ? { "x-kubernetes-list-type": listMapKeys !== undefined ? "map" : isSet ? "set" : "atomic" }
      : {}),
    ...(listMapKeys === undefined ? {} : { "x-kubernetes-list-map-keys": listMapKeys }),
    ...(patchMergeKey === undefined ? {} : { "x-kubernetes-patch-merge-key": patchMergeKey }),
    ...(patchStrategy === undefined ? {} : { "x-kubernetes-patch-strategy": patchStrategy }),
  };
}

function groupVersionKinds(ref: TypeRef): readonly OpenApiObject[] {
  const [file = "", kind = ""] = ref.split("/");
  const fields = typeSchema(ref)?.fields ?? {};
  const group = SCHEMA_GROUPS.find((candidate) => candidate.file === file);
  if (group === undefined || !("kind" in fields) || !("apiVersion" in fields)) return [];
  // The options and answers of `meta` belong to every group; clients know them as the core group's.
  return [{ group: file === "meta-v1" ? "" : group.group, version: group.version, kind }];
}

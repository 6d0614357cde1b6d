import { readFileSync } from "node:fs";
import { SCHEMA_GROUPS } from "./schema-groups.gen.ts";

/** The fields of an API type by their JSON names. */
export interface TypeSchema {
  /** Whether OpenAPI shows it; the others are parts that JSON shows inside the whole. */
  readonly public?: boolean;
  /** Parts whose JSON fields are those of the whole, but which protobuf nests under `number`. */
  readonly inlines?: readonly { readonly number: number; readonly ref: TypeRef }[];
  readonly fields: Readonly<Record<string, FieldSchema>>;
}

/** What a field holds: a scalar, or a type by reference; alone, in a list, or as the values of a map. */
export interface FieldSchema {
  readonly scalar?: Scalar;
  readonly ref?: TypeRef;
  readonly container?: "list" | "map" | "mapOfLists";
  readonly required?: boolean;
  /** The protobuf field number. */
  readonly number?: number;
  /** Whether the zero value means absent. */
  readonly omitsZero?: boolean;
  /** Whether absent means the zero value, so that every decoded object has the field. */
  readonly alwaysPresent?: boolean;
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
  /** What tells the elements of a list apart in server-side apply. */
  readonly listMapKeys?: readonly string[];
}

/** A type as `file/Name`, as in `core-v1/PodSpec`. */
export type TypeRef = string;

/** `raw` is any JSON, embedded as text in protobuf; `any` is any JSON that protobuf cannot carry. */
export type Scalar =
  | "string"
  | "int32"
  | "int64"
  | "double"
  | "boolean"
  | "bytes"
  | "time"
  | "microTime"
  | "duration"
  | "quantity"
  | "intOrString"
  | "raw"
  | "any";

/** Returns the schema of a type; undefined where no table has it. Tables are read when first asked for. */
export function typeSchema(ref: TypeRef): TypeSchema | undefined {
  return schemasByRef.get(ref) ?? findSchema(ref);
}

/** Returns the reference of a kind that has a table, as `core-v1/Pod` for `v1` and `Pod`; undefined for others. */
export function typeRefOfKind(apiVersion: string, kind: string): TypeRef | undefined {
  const file = SCHEMA_GROUPS.find((group) => groupVersionText(group) === apiVersion)?.file;
  if (file === undefined) return undefined;
  const ref = `${file}/${kind}`;
  const fields = typeSchema(ref)?.fields;
  return fields !== undefined && "kind" in fields && "apiVersion" in fields ? ref : undefined;
}

/** Returns the schemas of all types of a group-version by name. */
export function typeSchemasOf(apiVersion: string): Readonly<Record<string, TypeSchema>> {
  const file = SCHEMA_GROUPS.find((group) => groupVersionText(group) === apiVersion)?.file;
  return (file === undefined ? undefined : tableOf(file)) ?? {};
}

const schemasByRef = new Map<TypeRef, TypeSchema>();

function findSchema(ref: TypeRef): TypeSchema | undefined {
  const [file = "", name = ""] = ref.split("/");
  const types = tableOf(file);
  const schema = types !== undefined && Object.hasOwn(types, name) ? types[name] : undefined;
  if (schema !== undefined) schemasByRef.set(ref, schema);
  return schema;
}

const tables = new Map<string, Readonly<Record<string, TypeSchema>>>();

function tableOf(file: string): Readonly<Record<string, TypeSchema>> | undefined {
  const known = tables.get(file);
  if (known !== undefined || !SCHEMA_GROUPS.some((group) => group.file === file)) return known;
  const url = new URL(`./${file}.gen.json`, import.meta.url);
  const table = JSON.parse(readFileSync(url, "utf8")) as Readonly<Record<string, TypeSchema>>;
  tables.set(file, table);
  return table;
}

function groupVersionText(group: { readonly group: string; readonly version: string }): string {
  return group.group === "" ? group.version : `${group.group}/${group.version}`;
}

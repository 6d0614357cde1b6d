import type { Scalar } from "../../src/api/schema/type-schema.ts";
import { API_GROUPS } from "./api-groups.ts";
import type { GoType } from "./go-types.ts";

/** What a field holds: a scalar or a named type, alone, in a list, or as the values of a map. */
export interface FieldType {
  readonly scalar?: Scalar;
  /** A type as `file/Name`. */
  readonly ref?: string;
  readonly container?: Container;
}

/** `mapOfLists` is `map[string][]string`, which protobuf writes with a message for each list. */
export type Container = "list" | "map" | "mapOfLists";

/** Returns how JSON shows a Go type. */
export function goFieldType(type: GoType): FieldType {
  if (type.kind === "pointer" && type.element !== undefined) return goFieldType(type.element);
  if (type.kind === "slice" && type.element !== undefined) return sliceType(type.element);
  if (type.kind === "map" && type.element !== undefined) return mapType(type.element);
  if (type.kind === "struct") return structType(type);
  return { scalar: SCALARS.get(type.kind) ?? "any" };
}

const SCALARS: ReadonlyMap<string, Scalar> = new Map([
  ["bool", "boolean"],
  ["string", "string"],
  ["int", "int64"],
  ["int32", "int32"],
  ["int64", "int64"],
  ["float", "double"],
]);

const SPECIAL_STRUCTS: ReadonlyMap<string, Scalar> = new Map([
  ["k8s.io/apimachinery/pkg/apis/meta/v1.Time", "time"],
  ["k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime", "microTime"],
  ["k8s.io/apimachinery/pkg/apis/meta/v1.Duration", "duration"],
  ["k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1", "raw"],
  ["k8s.io/apimachinery/pkg/api/resource.Quantity", "quantity"],
  ["k8s.io/apimachinery/pkg/util/intstr.IntOrString", "intOrString"],
  ["k8s.io/apimachinery/pkg/runtime.RawExtension", "raw"],
  ["k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSON", "raw"],
  ["k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrBool", "any"],
  ["k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrArray", "any"],
  ["k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrStringArray", "any"],
]);

function sliceType(element: GoType): FieldType {
  if (element.kind === "uint8") return { scalar: "bytes" };
  return { ...goFieldType(element), container: "list" };
}

function mapType(element: GoType): FieldType {
  const value = goFieldType(element);
  return { ...value, container: value.container === "list" ? "mapOfLists" : "map" };
}

function structType(type: GoType): FieldType {
  const name = type.name.slice(type.name.indexOf(".") + 1);
  const special = SPECIAL_STRUCTS.get(`${type.packagePath}.${name}`);
  if (special !== undefined) return { scalar: special };
  const group = API_GROUPS.find((candidate) => candidate.goPackage === type.packagePath);
  return group === undefined || type.fields?.length === 0 ? { scalar: "any" } : { ref: `${group.file}/${name}` };
}

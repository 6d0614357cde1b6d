import { API_GROUPS } from "./api-groups.ts";
import type { ClientField, ClientModel } from "./client-models.ts";
import type { Scalar } from "../../src/api/schema/type-schema.ts";
import type { FieldType } from "./go-field-type.ts";
import type { GoType } from "./go-types.ts";

/**
 * Maps the names of OpenAPI models to `file/Name`. A model without a group in its name is the only one of that name among
 * all groups, so the Go package that declares it gives the group.
 */
export function clientModelNames(
  models: readonly ClientModel[],
  structs: readonly GoType[],
): ReadonlyMap<string, string> {
  const packages = packagesByName(structs);
  const names = new Map<string, string>();
  for (const { name } of models) {
    const match = /^([A-Z][a-z]+)??(V\d+(?:(?:alpha|beta)\d+)?)(\w+)$/.exec(name);
    const [, prefix, version, bare] = match ?? [];
    if (version === undefined || bare === undefined) continue;
    const file = API_GROUPS.find(
      (group) =>
        group.version === version.toLowerCase() &&
        (prefix === undefined
          ? packages.get(`${group.version}.${bare}`)?.has(group.goPackage) === true
          : group.file.split("-")[0] === prefix.toLowerCase()),
    )?.file;
    if (file !== undefined) names.set(name, `${file}/${bare}`);
  }
  return nameNewer(models, names);
}

/** Returns how JSON shows a field that only OpenAPI knows. */
export function clientFieldType(field: ClientField, names: ReadonlyMap<string, string>): FieldType {
  const list = /^Array<(.+)>$/.exec(field.type)?.[1];
  if (list !== undefined) return { ...clientFieldType({ ...field, type: list }, names), container: "list" };
  const map = /^\{ \[key: string\]: (.+); \}$/.exec(field.type)?.[1];
  if (map !== undefined) {
    const value = clientFieldType({ ...field, type: map }, names);
    return { ...value, container: value.container === "list" ? "mapOfLists" : "map" };
  }
  const ref = names.get(field.type);
  return ref === undefined ? { scalar: scalarOf(field) } : { ref };
}

function packagesByName(structs: readonly GoType[]): ReadonlyMap<string, ReadonlySet<string>> {
  const packages = new Map<string, Set<string>>();
  for (const type of structs) {
    const known = packages.get(type.name) ?? new Set();
    packages.set(type.name, known.add(type.packagePath));
  }
  return packages;
}

/** Types newer than the Go types belong to the group of a model that refers to them. */
function nameNewer(models: readonly ClientModel[], names: Map<string, string>): ReadonlyMap<string, string> {
  const byName = new Map(models.map((model) => [model.name, model]));
  const queue = [...names.keys()];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const file = names.get(name)?.split("/")[0] ?? "";
    for (const [referred] of (byName.get(name)?.fields ?? []).flatMap((field) => [
      ...field.type.matchAll(/V1[A-Z]\w+/g),
    ])) {
      if (names.has(referred) || !byName.has(referred)) continue;
      names.set(referred, `${file}/${referred.slice(2)}`);
      queue.push(referred);
    }
  }
  return names;
}

function scalarOf(field: ClientField): Scalar {
  if (field.format === "byte") return "bytes";
  if (field.format === "int32" || field.format === "int64") return field.format;
  if (field.type === "IntOrString" || field.format === "int-or-string") return "intOrString";
  if (field.type === "V1MicroTime") return "microTime";
  if (field.type === "Date") return "time";
  if (field.type === "number") return "double";
  if (field.type === "boolean") return "boolean";
  return field.type === "string" ? "string" : "any";
}

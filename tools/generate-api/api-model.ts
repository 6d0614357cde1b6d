import { API_GROUPS, type ApiGroup } from "./api-groups.ts";
import type { ClientField, ClientModel } from "./client-models.ts";
import { clientFieldType, clientModelNames } from "./client-field-type.ts";
import type { GoField, GoType } from "./go-types.ts";
import { goFieldType, type FieldType } from "./go-field-type.ts";

/** One file of types: those of one group-version. */
export interface ApiFile extends ApiGroup {
  readonly types: readonly ApiType[];
}

export interface ApiType {
  readonly name: string;
  readonly description: string;
  /** Whether OpenAPI knows it; the others are parts of Go types that JSON does not show. */
  readonly isPublic: boolean;
  readonly fields: readonly ApiField[];
  /** Parts whose JSON fields are those of the whole, but which protobuf nests. */
  readonly inlines: readonly { readonly number: number; readonly ref: string }[];
}

export interface ApiField extends FieldType {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  /** The protobuf field number; absent where the field came after the Go types, or lies in an inline part. */
  readonly number?: number;
  /** Whether Go leaves the zero value out of JSON. */
  readonly omitsZero: boolean;
  /** Whether Go writes the zero value where the field is absent. */
  readonly alwaysPresent: boolean;
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
}

/** Joins Go types (numbers, patch keys, integer widths) with OpenAPI models (descriptions, required, newer fields). */
export function buildApiModel(structs: readonly GoType[], models: readonly ClientModel[]): readonly ApiFile[] {
  const clientNames = clientModelNames(models, structs);
  const publicModels = new Map(models.map((model) => [clientNames.get(model.name), model]));
  return API_GROUPS.map((group) => {
    const goTypes = new Map(
      structs
        .filter((type) => type.packagePath === group.goPackage && isApiStruct(type))
        .map((type) => [bareName(type), type]),
    );
    const newer = [...publicModels.keys()]
      .filter((ref) => ref?.startsWith(`${group.file}/`) === true)
      .map((ref) => ref?.slice(group.file.length + 1) ?? "");
    const names = [...new Set([...goTypes.keys(), ...newer])].sort();
    return {
      ...group,
      types: names.map((name) =>
        buildType(name, goTypes.get(name), publicModels.get(`${group.file}/${name}`), clientNames),
      ),
    };
  });
}

function buildType(
  name: string,
  goType: GoType | undefined,
  model: ClientModel | undefined,
  clientNames: ReadonlyMap<string, string>,
): ApiType {
  const fields = new Map<string, ApiField>();
  const models = new Map((model?.fields ?? []).map((field) => [field.name, field]));
  for (const { field, number } of goType === undefined ? [] : flatFields(goType)) {
    const jsonName = jsonNameOf(field);
    // What OpenAPI no longer shows was taken out of the API after the Go types were compiled.
    if (model !== undefined && !models.has(jsonName)) continue;
    fields.set(jsonName, goApiField(field, number, models.get(jsonName)));
  }
  for (const field of models.values()) {
    if (!fields.has(field.name)) fields.set(field.name, newerField(field, clientNames));
  }
  return {
    name,
    description: model?.description ?? "",
    isPublic: model !== undefined,
    fields: [...fields.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    inlines: goType === undefined ? [] : inlineParts(goType),
  };
}

function goApiField(field: GoField, number: number | undefined, model: ClientField | undefined): ApiField {
  const patchStrategy = tagOf(field, "patchStrategy");
  const patchMergeKey = tagOf(field, "patchMergeKey");
  const isAlwaysWritten = field.type.kind !== "pointer" && !omitsEmpty(field);
  const required = model?.required ?? isAlwaysWritten;
  return {
    name: jsonNameOf(field),
    ...goFieldType(field.type),
    description: model?.description ?? "",
    required,
    omitsZero: field.type.kind !== "pointer" && omitsEmpty(field),
    alwaysPresent: required && isAlwaysWritten,
    ...(number === undefined ? {} : { number }),
    ...(patchStrategy === undefined ? {} : { patchStrategy }),
    ...(patchMergeKey === undefined ? {} : { patchMergeKey }),
  };
}

function newerField(field: ClientField, clientNames: ReadonlyMap<string, string>): ApiField {
  return {
    name: field.name,
    ...clientFieldType(field, clientNames),
    description: field.description,
    required: field.required,
    omitsZero: true,
    alwaysPresent: false,
  };
}

/** The fields JSON shows: embedded parts are opened; only fields of the type itself keep their number. */
function flatFields(type: GoType): readonly { readonly field: GoField; readonly number?: number }[] {
  return (type.fields ?? []).flatMap((field) => {
    if (!isInline(field)) {
      const number = protobufNumber(field);
      return jsonNameOf(field) === "-" ? [] : [number === undefined ? { field } : { field, number }];
    }
    return flatFields(structOf(field.type)).map((inner) => ({ field: inner.field }));
  });
}

function inlineParts(type: GoType): ApiType["inlines"] {
  return (type.fields ?? []).flatMap((field) => {
    const number = protobufNumber(field);
    const { ref } = goFieldType(field.type);
    return isInline(field) && number !== undefined && ref !== undefined ? [{ number, ref }] : [];
  });
}

function isApiStruct(type: GoType): boolean {
  const fields = type.fields ?? [];
  return /^\w+\.[A-Z]\w*$/.test(type.name) && fields.some((field) => tagOf(field, "json") !== undefined);
}

function omitsEmpty(field: GoField): boolean {
  return /,omit(?:empty|zero)/.test(tagOf(field, "json") ?? "");
}

function isInline(field: GoField): boolean {
  return tagOf(field, "json")?.startsWith(",inline") === true;
}

function structOf(type: GoType): GoType {
  return type.kind === "pointer" && type.element !== undefined ? type.element : type;
}

function bareName(type: GoType): string {
  return type.name.slice(type.name.indexOf(".") + 1);
}

function jsonNameOf(field: GoField): string {
  return (tagOf(field, "json") ?? "-").split(",")[0] ?? "-";
}

function protobufNumber(field: GoField): number | undefined {
  const number = tagOf(field, "protobuf")?.split(",")[1];
  return number === undefined ? undefined : Number(number);
}

function tagOf(field: GoField, key: string): string | undefined {
  return new RegExp(`(?:^| )${key}:"([^"]*)"`).exec(field.tag)?.[1];
}

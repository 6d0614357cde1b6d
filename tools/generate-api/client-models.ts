import { readFile } from "node:fs/promises";
import * as clientNode from "@kubernetes/client-node";

/** A model of the OpenAPI document, as `@kubernetes/client-node` holds it. */
export interface ClientModel {
  /** The name with its group and version, as in `V1Pod` and `CoreV1Event`. */
  readonly name: string;
  readonly description: string;
  readonly fields: readonly ClientField[];
}

export interface ClientField {
  readonly name: string;
  /** A TypeScript type over model names, as in `Array<V1Container>`. */
  readonly type: string;
  readonly format: string;
  readonly required: boolean;
  /** Empty where the field refers to another model: OpenAPI has none there. */
  readonly description: string;
}

/** Reads the models that the package exports; files of older releases that lie beside them are left out. */
export async function readClientModels(): Promise<readonly ClientModel[]> {
  const models = new URL("./gen/models/", import.meta.resolve("@kubernetes/client-node"));
  const list = await readFile(new URL("all.d.ts", models), "utf8");
  const names = [...list.matchAll(/models\/(\w+)\.js/g)].map((match) => match[1] ?? "");
  return await Promise.all(
    names.map(async (name) => readModel(name, await readFile(new URL(`${name}.d.ts`, models), "utf8"))),
  );
}

interface Attribute {
  readonly baseName: string;
  readonly type: string;
  readonly format: string;
}

function readModel(name: string, declaration: string): ClientModel {
  const declared = declaredFields(declaration);
  return {
    name,
    description: plainText(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export declare class/.exec(declaration)?.[1] ?? ""),
    fields: attributesOf(name).map((attribute) => ({
      name: attribute.baseName,
      type: attribute.type,
      format: attribute.format,
      required: declared.get(attribute.baseName)?.required ?? false,
      description: declared.get(attribute.baseName)?.description ?? "",
    })),
  };
}

function attributesOf(name: string): readonly Attribute[] {
  const model: unknown = Reflect.get(clientNode, name);
  if (typeof model !== "function" || !("attributeTypeMap" in model)) throw new TypeError(`Cannot read model "${name}"`);
  return model.attributeTypeMap as readonly Attribute[];
}

function declaredFields(
  declaration: string,
): Map<string, { readonly required: boolean; readonly description: string }> {
  const fields = new Map<string, { required: boolean; description: string }>();
  const pattern = /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*)?'([^']+)'(\??):/g;
  for (const [, comment, name, optional] of declaration.matchAll(pattern)) {
    // The generator writes `$ref` as `_$ref` and so on; the attribute map has the name of the wire.
    const wireName = (name ?? "").replace(/^_/, "");
    fields.set(wireName, { required: optional === "", description: plainText(comment ?? "") });
  }
  return fields;
}

function plainText(comment: string): string {
  return comment
    .replaceAll(/^\s*\* ?/gm, "")
    .replaceAll(/\\(["'])/g, "$1")
    .trim();
}

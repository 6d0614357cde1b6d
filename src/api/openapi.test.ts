import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { documentPath, openApiDocument, openApiIndex } from "./openapi.ts";
import type { OpenApiResource } from "./openapi-paths.ts";
import { LEASES, NODES, PODS, SECRETS } from "./resource-types.ts";

const kubectl = fileURLToPath(new URL("../../.cache/kubectl/kubectl", import.meta.url));
const skip = existsSync(kubectl) ? false : "the pinned kubectl is not unpacked";

const VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"];
const POD_KIND = { group: "", version: "v1", kind: "Pod" };
const CORE: readonly OpenApiResource[] = [
  { type: PODS, verbs: VERBS, subresources: [{ name: "status", kind: POD_KIND, verbs: ["get", "patch", "update"] }] },
  { type: SECRETS, verbs: VERBS, subresources: [] },
  { type: NODES, verbs: VERBS, subresources: [] },
];
const GROUPS = [
  { groupVersion: { group: "", version: "v1" }, resources: CORE },
  {
    groupVersion: { group: "coordination.k8s.io", version: "v1" },
    resources: [{ type: LEASES, verbs: VERBS, subresources: [] }],
  },
];

interface Document {
  readonly paths: Record<string, Record<string, { readonly parameters: readonly { readonly name: string }[] }>>;
  readonly components: { readonly schemas: Record<string, { readonly properties: Record<string, object> }> };
}

function document(): Document {
  return JSON.parse(Buffer.from(openApiDocument(CORE)).toString()) as Document;
}

test("a document has a path for each verb, and patches take what kubectl looks for", () => {
  const { paths } = document();
  assert.deepEqual(Object.keys(paths), [
    "/api/v1/namespaces/{namespace}/pods",
    "/api/v1/pods",
    "/api/v1/namespaces/{namespace}/pods/{name}",
    "/api/v1/namespaces/{namespace}/pods/{name}/status",
    "/api/v1/namespaces/{namespace}/secrets",
    "/api/v1/secrets",
    "/api/v1/namespaces/{namespace}/secrets/{name}",
    "/api/v1/nodes",
    "/api/v1/nodes/{name}",
  ]);
  const parameters = paths["/api/v1/nodes/{name}"]?.["patch"]?.parameters.map(({ name }) => name);
  assert.deepEqual(parameters, ["dryRun", "fieldManager", "fieldValidation", "force", "pretty"]);
});

test("every reference in a document leads to a schema of it", () => {
  const { components } = document();
  const references = [...JSON.stringify(document()).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)];
  assert.ok(references.length > 200);
  assert.deepEqual(
    references.map(([, name = ""]) => name).filter((name) => components.schemas[name] === undefined),
    [],
  );
});

test("merge keys, list types and descriptions are told", () => {
  const { schemas } = document().components;
  assert.deepEqual(schemas["io.k8s.api.core.v1.PodSpec"]?.properties["containers"], {
    description:
      "List of containers belonging to the pod. Containers cannot currently be added or removed. There must be at least one container in a Pod. Cannot be updated.",
    type: "array",
    items: { allOf: [{ $ref: "#/components/schemas/io.k8s.api.core.v1.Container" }], default: {} },
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
    "x-kubernetes-patch-merge-key": "name",
    "x-kubernetes-patch-strategy": "merge",
  });
});

test("a document is built once, and its hash follows what it is made of", () => {
  assert.equal(openApiDocument(CORE), openApiDocument(CORE));
  const index = (groups: typeof GROUPS): object => openApiIndex(groups);
  assert.deepEqual(index(GROUPS), index(GROUPS));
  assert.notDeepEqual(index(GROUPS), index(GROUPS.map((group) => ({ ...group, resources: CORE.slice(1) }))));
});

function answer(request: IncomingMessage, response: ServerResponse): void {
  const path = (request.url ?? "").split("?")[0] ?? "";
  const group = GROUPS.find(({ groupVersion }) => path === `/openapi/v3/${documentPath(groupVersion)}`);
  const body = group === undefined ? plainAnswer(path) : openApiDocument(group.resources);
  response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" });
  response.end(body);
}

function plainAnswer(path: string): string | undefined {
  const answers: Record<string, object> = {
    "/openapi/v3": openApiIndex(GROUPS),
    "/api": { kind: "APIVersions", versions: ["v1"] },
    "/apis": { kind: "APIGroupList", apiVersion: "v1", groups: [] },
    "/api/v1": {
      kind: "APIResourceList",
      groupVersion: "v1",
      resources: [{ name: "pods", singularName: "pod", namespaced: true, kind: "Pod", verbs: VERBS }],
    },
  };
  return answers[path] === undefined ? undefined : JSON.stringify(answers[path]);
}

async function runKubectl(args: readonly string[]): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const options = [`--server=http://127.0.0.1:${port}`, "--kubeconfig=/dev/null", "--cache-dir=/dev/null"];
  const child = spawn(kubectl, [...options, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const output: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => output.push(chunk));
  await once(child, "close");
  server.close();
  return Buffer.concat(output).toString();
}

test("kubectl explain reads the document", { skip }, async () => {
  const output = await runKubectl(["explain", "pod.spec.containers.livenessProbe.httpGet"]);
  assert.match(output, /KIND:\s+Pod\nVERSION:\s+v1\n/);
  assert.match(output, /path\s+<string>\n\s+Path to access on the HTTP server/);
  assert.match(output, /port\s+<IntOrString> -required-\n/);
  assert.match(await runKubectl(["explain", "pod.spec"]), /containers\s+<\[\]Container> -required-/);
  assert.match(await runKubectl(["explain", "pod.spec.containers.resources.limits"]), /<map\[string\]Quantity>/);
});

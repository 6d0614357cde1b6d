import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { APIGroupList, APIResourceList } from "../../api/meta-v1.gen.ts";
import { createAuthority, issueClientCertificate, type KeyPair } from "../../pki/key-pair.ts";
import { callApi } from "../../testing/api-call.ts";
import { startTestApiServer, type TestApiServer } from "../../testing/api-server.ts";

let server: TestApiServer;
/** Each call as in `GET /api/v1/pods`: everything that discovery tells of, and what is no resource. */
let calls: readonly string[];

before(async () => {
  server = await startTestApiServer();
  const objects = {
    configmaps: {},
    secrets: {},
    serviceaccounts: {},
    events: { involvedObject: { namespace: "default" } },
  };
  for (const [resource, object] of Object.entries(objects)) {
    await create(`/api/v1/namespaces/default/${resource}`, { metadata: { name: "x" }, ...object });
  }
  await create("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
  await create("/api/v1/nodes", { metadata: { name: "x" } });
  await create("/api/v1/namespaces", { metadata: { name: "x" } });
  await create("/apis/coordination.k8s.io/v1/namespaces/default/leases", { metadata: { name: "x" } });
  const spec = { containers: [{ name: "c", image: "b" }], nodeName: "x" };
  await create("/api/v1/namespaces/default/pods", { metadata: { name: "x" }, spec });
  calls = [...(await resourceCalls()), ...OTHER_PATHS.map((path) => `GET ${path}`)];
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

const HEALTH = ["/healthz", "/livez", "/readyz"];
const DISCOVERY = ["/api", "/api/v1", "/apis", "/apis/coordination.k8s.io", "/version", "/openapi/v2", "/openapi/v3"];
const OTHER_PATHS = [...HEALTH, ...DISCOVERY, "/", "/metrics", "/logs", "/debug/pprof", "/nosuch", "/api/v1/nosuch"];

async function create(path: string, body: object): Promise<void> {
  assert.equal((await callApi(server, { method: "POST", path, body })).status, 201, path);
}

const METHODS: Readonly<Record<string, string>> = { create: "POST", update: "PUT", patch: "PATCH", delete: "DELETE" };

async function resourceCalls(): Promise<string[]> {
  const { body } = await callApi<APIGroupList>(server, { path: "/apis" });
  const roots = [
    "/api/v1",
    ...body.groups.flatMap(({ versions }) => versions.map((each) => `/apis/${each.groupVersion}`)),
  ];
  const lists = await Promise.all(
    roots.map(async (root) => (await callApi<APIResourceList>(server, { path: root })).body),
  );
  return lists.flatMap(({ resources }, index) =>
    resources.flatMap(({ name, namespaced, verbs }) => {
      const [resource = "", subresource] = name.split("/");
      const collection = `${roots[index]}${namespaced ? "/namespaces/default" : ""}/${resource}`;
      const object = `${collection}/x${subresource === undefined ? "" : `/${subresource}`}`;
      return verbs.map((verb) => callOf(verb, subresource === undefined ? collection : object, object));
    }),
  );
}

function callOf(verb: string, collection: string, object: string): string {
  if (verb === "list") return `GET ${collection}`;
  if (verb === "watch") return `GET ${collection}?watch=1&timeoutSeconds=1`;
  if (verb === "create") return `POST ${collection}`;
  if (verb === "deletecollection") return `DELETE ${collection}?dryRun=All`;
  return `${METHODS[verb] ?? "GET"} ${object}`;
}

/** Returns the calls that are answered with another status than `refusal`. */
async function notRefused(user: KeyPair | null, refusal: number): Promise<string[]> {
  const found: string[] = [];
  for (const call of calls) {
    const [method = "", path = ""] = call.split(" ");
    const headers = { "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json" };
    const body = method === "GET" || method === "DELETE" ? {} : { body: "{}" };
    const { status } = await callApi(server, { method, path, user, headers, ...body });
    if (status !== refusal) found.push(call);
  }
  return found;
}

describe("every path of the API", () => {
  test("is walked", () => {
    assert.ok(calls.length > 100, `${calls.length} calls`);
    assert.ok(calls.includes("GET /api/v1/namespaces/default/pods/x/log"));
    assert.ok(calls.includes("PUT /api/v1/namespaces/x/finalize"));
  });

  test("answers 401 to who proves nothing, but for the server's health", async () => {
    assert.deepEqual(
      await notRefused(null, 401),
      HEALTH.map((path) => `GET ${path}`),
    );
  });

  test("answers 401 to a certificate of another authority", async () => {
    const stranger = await createAuthority("kubernetes");
    const request = { commonName: "kubernetes-admin", organizations: ["system:masters"] };
    const user = await issueClientCertificate(stranger, request);
    assert.deepEqual(
      await notRefused(user, 401),
      HEALTH.map((path) => `GET ${path}`),
    );
  });

  test("answers 403 to another node, but for what every node may", async () => {
    const request = { commonName: "system:node:other", organizations: ["system:nodes"] };
    const user = await issueClientCertificate(server.keys.ca, request);
    assert.deepEqual((await notRefused(user, 403)).sort(), ALLOWED_TO_NODES.toSorted());
  });
});

const ALLOWED_TO_NODES: readonly string[] = [
  ...[...HEALTH, ...DISCOVERY].map((path) => `GET ${path}`),
  "GET /api/v1/namespaces/default/services",
  "GET /api/v1/namespaces/default/services/x",
  "GET /api/v1/namespaces/default/services?watch=1&timeoutSeconds=1",
  "GET /api/v1/nodes",
  "GET /api/v1/nodes/x",
  "GET /api/v1/nodes?watch=1&timeoutSeconds=1",
  "PATCH /api/v1/namespaces/default/events/x",
  "PATCH /apis/events.k8s.io/v1/namespaces/default/events/x",
  "POST /api/v1/namespaces/default/events",
  // Which pods and nodes is for admission to say, which sees the body.
  "POST /api/v1/namespaces/default/pods",
  "POST /api/v1/nodes",
  "POST /apis/authentication.k8s.io/v1/selfsubjectreviews",
  "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
  "POST /apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
  "POST /apis/authorization.k8s.io/v1/subjectaccessreviews",
  "POST /apis/events.k8s.io/v1/namespaces/default/events",
  "PUT /api/v1/namespaces/default/events/x",
  "PUT /apis/events.k8s.io/v1/namespaces/default/events/x",
];

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Pod } from "../../api/core-v1.gen.ts";
import type { Status } from "../../api/meta-v1.gen.ts";
import { createAuthority, issueClientCertificate, type KeyPair } from "../../pki/key-pair.ts";
import { callApi } from "../../testing/api-call.ts";
import { startTestApiServer, type TestApiServer } from "../../testing/api-server.ts";

let server: TestApiServer;
let node: KeyPair;

const NS = "/api/v1/namespaces/default";

before(async () => {
  server = await startTestApiServer({ nodeName: "vm" });
  node = server.keys.node?.client ?? assert.fail();
  await post(`${NS}/serviceaccounts`, { metadata: { name: "default" } });
  for (const name of ["pull", "env", "other"]) await post(`${NS}/secrets`, { metadata: { name } });
  const env = [{ name: "A", valueFrom: { secretKeyRef: { name: "env", key: "a" } } }];
  const spec = { containers: [{ name: "c", image: "b", env }], imagePullSecrets: [{ name: "pull" }] };
  for (const name of ["mine", "theirs"]) await post(`${NS}/pods`, { metadata: { name }, spec });
  await post(`${NS}/pods/mine/binding`, { metadata: { name: "mine" }, target: { name: "vm" } });
  await post(`${NS}/pods/theirs/binding`, { metadata: { name: "theirs" }, target: { name: "elsewhere" } });
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

const post = async (path: string, body: object, user?: KeyPair) =>
  await callApi<Status>(server, { method: "POST", path, body, ...(user === undefined ? {} : { user }) });

async function statuses(user: KeyPair | null, calls: readonly string[]): Promise<Record<string, number>> {
  const entries: [string, number][] = [];
  for (const call of calls) {
    const [method = "", path = "", body] = call.split(" ");
    const answer = await callApi(server, {
      method,
      path,
      user,
      ...(body === undefined ? {} : { body: body }),
      headers: { "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json" },
    });
    entries.push([call, answer.status]);
  }
  return Object.fromEntries(entries);
}

async function expectStatuses(user: KeyPair | null, expected: Record<string, number>): Promise<void> {
  assert.deepEqual(await statuses(user, Object.keys(expected)), expected);
}

describe("who proves nothing", () => {
  test("may ask whether the server lives and nothing else", async () => {
    await expectStatuses(null, {
      "GET /livez": 200,
      "GET /readyz": 200,
      "GET /healthz": 200,
      "GET /version": 401,
      "GET /api": 401,
      "GET /metrics": 401,
      "GET /openapi/v3": 401,
      "GET /api/v1/pods": 401,
      "GET /nosuch": 401,
    });
  });

  test("is told so in a Status", async () => {
    const { body, headers } = await callApi<Status>(server, { path: "/api/v1/pods", user: null });
    assert.deepEqual([body.reason, body.code, headers["www-authenticate"]], ["Unauthorized", 401, "Bearer"]);
  });

  test("by a certificate of another authority is nobody", async () => {
    const stranger = await createAuthority("kubernetes");
    const user = await issueClientCertificate(stranger, { commonName: "x", organizations: ["system:masters"] });
    await expectStatuses(user, { "GET /api/v1/pods": 401 });
  });

  test("by a token nobody knows is refused", async () => {
    const headers = { authorization: "Bearer guess" };
    assert.equal((await callApi(server, { path: "/api/v1/pods", user: null, headers })).status, 401);
  });
});

describe("who is known but has no rights", () => {
  test("may discover and nothing else, and is told what it may not do", async () => {
    const user = await issueClientCertificate(server.keys.ca, { commonName: "jane" });
    await expectStatuses(user, {
      "GET /api": 200,
      "GET /apis": 200,
      "GET /version": 200,
      "GET /openapi/v3": 200,
      "GET /metrics": 403,
    });
    const { status, body } = await callApi<Status>(server, { path: `${NS}/pods`, user });
    assert.equal(status, 403);
    assert.equal(
      body.message,
      'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
    );
    const path = await callApi<Status>(server, { path: "/metrics", user });
    assert.equal(path.body.message, 'forbidden: User "jane" cannot get path "/metrics"');
  });

  test("may not become a node by its name alone", async () => {
    const user = await issueClientCertificate(server.keys.ca, { commonName: "system:node:vm" });
    await expectStatuses(user, { "GET /api/v1/nodes": 403 });
  });
});

describe("a node", () => {
  test("sees its own pods and what they refer to, not what others have", async () => {
    await expectStatuses(node, {
      "GET /api/v1/pods": 403,
      "GET /api/v1/pods?fieldSelector=spec.nodeName%3Delsewhere": 403,
      "GET /api/v1/pods?fieldSelector=spec.nodeName%3Dvm": 200,
      "GET /api/v1/namespaces/default/pods/mine": 200,
      "GET /api/v1/namespaces/default/pods/theirs": 403,
      "GET /api/v1/namespaces/default/pods/gone": 404,
      "GET /api/v1/namespaces/default/secrets": 403,
      "GET /api/v1/namespaces/default/secrets/pull": 200,
      "GET /api/v1/namespaces/default/secrets/env": 200,
      "GET /api/v1/namespaces/default/secrets/other": 403,
      "GET /api/v1/namespaces/default/secrets?fieldSelector=metadata.name%3Dpull": 200,
      "GET /api/v1/namespaces/default/serviceaccounts/default": 200,
      "GET /api/v1/namespaces/kube-system/secrets/pull": 403,
    });
  });

  test("writes itself and no other node", async () => {
    const status = '{"status":{"phase":"Running"}}';
    assert.equal((await post("/api/v1/nodes", { metadata: { name: "other" } }, node)).status, 403);
    assert.equal((await post("/api/v1/nodes", { metadata: { name: "vm" } }, node)).status, 201);
    await expectStatuses(node, {
      [`PATCH /api/v1/nodes/vm/status ${status}`]: 200,
      [`PATCH /api/v1/nodes/other/status ${status}`]: 403,
      "DELETE /api/v1/nodes/vm": 403,
    });
  });

  test("writes the status of its own pods alone", async () => {
    const status = '{"status":{"phase":"Running"}}';
    await expectStatuses(node, {
      [`PATCH ${NS}/pods/mine/status ${status}`]: 200,
      [`PATCH ${NS}/pods/theirs/status ${status}`]: 403,
      [`PATCH ${NS}/pods/mine {"metadata":{"labels":{"a":"b"}}}`]: 403,
      [`DELETE ${NS}/pods/theirs`]: 403,
    });
  });

  test("creates mirror pods of its own and no others", async () => {
    const pod = (annotations: Record<string, string>, nodeName: string): Pod => ({
      metadata: { name: `p-${nodeName}`, annotations },
      spec: { nodeName, containers: [{ name: "c", image: "b" }] },
    });
    const mirror = { "kubernetes.io/config.mirror": "x" };
    assert.equal((await post(`${NS}/pods`, pod({}, "vm"), node)).status, 403);
    assert.equal((await post(`${NS}/pods`, pod(mirror, "elsewhere"), node)).status, 403);
    assert.equal((await post(`${NS}/pods`, pod(mirror, "vm"), node)).status, 201);
  });

  test("keeps its own lease alive", async () => {
    const leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
    assert.equal((await post(leases, { metadata: { name: "vm" }, spec: {} }, node)).status, 201);
    await expectStatuses(node, {
      [`GET ${leases}/vm`]: 200,
      [`GET ${leases}/other`]: 403,
      "GET /apis/coordination.k8s.io/v1/namespaces/default/leases/vm": 403,
    });
  });
});

test("a metric counts what was served, and no name that a client made up", async () => {
  await callApi(server, { path: "/api/v1/namespaces/default/madeup" });
  const { body } = await callApi<string>(server, { path: "/metrics" });
  assert.match(
    body,
    /^apiserver_request_total\{verb="LIST",dry_run="",group="",version="v1",resource="pods",subresource="",scope="namespace",code="403"\} \d+$/m,
  );
  assert.match(body, /^apiserver_request_duration_seconds_bucket\{le="0.005",verb="GET",/m);
  assert.match(body, /^apiserver_resource_objects\{resource="secrets"\} 3$/m);
  assert.match(body, /^process_resident_memory_bytes \d+$/m);
  assert.doesNotMatch(body, /madeup/);
});

test("a health check lists its parts where asked", async () => {
  const { body } = await callApi<string>(server, { path: "/readyz?verbose" });
  assert.equal(body, "[+]ping ok\n[+]storage ok\nreadyz check passed\n");
});

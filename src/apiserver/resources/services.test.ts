import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Service, ServiceSpec } from "../../api/core-v1.gen.ts";
import type { ListOf } from "../../api/kubernetes-object.ts";
import type { Status } from "../../api/meta-v1.gen.ts";
import { callApi } from "../../testing/api-call.ts";
import { startTestApiServer, type TestApiServer } from "../../testing/api-server.ts";

let server: TestApiServer;
const PATH = "/api/v1/namespaces/default/services";
const PORTS = [{ port: 80 }];

before(async () => {
  server = await startTestApiServer();
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

const create = async <T = Service>(name: string, spec: ServiceSpec) =>
  await callApi<T>(server, { method: "POST", path: PATH, body: { metadata: { name }, spec } });

async function refusal(name: string, spec: ServiceSpec): Promise<string> {
  const { status, body } = await create<Status>(name, spec);
  assert.equal(status, 422);
  return body.message ?? "";
}

test("a service gets an address of the range and its defaults, and the warning that nothing routes it", async () => {
  const { body, headers } = await create("web", { ports: PORTS, selector: { app: "web" } });
  const { clusterIP = "", ...spec } = body.spec ?? {};
  assert.match(clusterIP, /^10\.0\.0\.\d+$/);
  assert.deepEqual(spec, {
    clusterIPs: [clusterIP],
    internalTrafficPolicy: "Cluster",
    ipFamilies: ["IPv4"],
    ipFamilyPolicy: "SingleStack",
    ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
    selector: { app: "web" },
    sessionAffinity: "None",
    type: "ClusterIP",
  });
  assert.match(String(headers.warning), /not routed yet/);
});

test("the API server's own service has the range's first address and the server's port", async () => {
  const { body } = await callApi<Service>(server, { path: `${PATH}/kubernetes` });
  const port = { name: "https", port: 443, protocol: "TCP", targetPort: server.server.port };
  assert.deepEqual([body.spec?.clusterIP, body.spec?.ports], ["10.0.0.1", [port]]);
});

test("an address is given once, and only out of the range", async () => {
  assert.equal((await create("one", { clusterIP: "10.0.0.77", ports: PORTS })).body.spec?.clusterIP, "10.0.0.77");
  assert.equal(
    await refusal("two", { clusterIP: "10.0.0.77", ports: PORTS }),
    'Service "two" is invalid: spec.clusterIPs: Invalid value: ["10.0.0.77"]: failed to allocate IP 10.0.0.77: provided IP is already allocated',
  );
  assert.match(await refusal("two", { clusterIP: "10.9.9.9", ports: PORTS }), /is not in the valid range/);
  assert.match(await refusal("two", { clusterIP: "10.0.0.255", ports: PORTS }), /is not in the valid range/);
  assert.match(await refusal("two", { clusterIP: "text", ports: PORTS }), /is not in the valid range/);
});

test("concurrent services get different addresses until the range is full", async () => {
  await using small = await startTestApiServer({ serviceRange: "10.9.0.0/29" });
  const answers = await Promise.all(
    Array.from({ length: 6 }, async (_, index) => {
      const body = { metadata: { name: `s${index}` }, spec: { ports: PORTS } };
      return await callApi<Service & Status>(small, { method: "POST", path: PATH, body });
    }),
  );
  const created = answers.filter(({ status }) => status === 201).map(({ body }) => body.spec?.clusterIP);
  assert.equal(new Set(created).size, 5);
  const failed = answers.find(({ status }) => status !== 201)?.body.message;
  assert.match(failed ?? "", /failed to allocate IP: range is full/);
});

test("an update keeps the address where it names none, and cannot change it", async () => {
  const { body: before } = await create("kept", { ports: PORTS });
  const path = `${PATH}/kept`;
  const metadata = { name: "kept", resourceVersion: before.metadata?.resourceVersion };
  const kept = await callApi<Service>(server, {
    method: "PUT",
    path,
    body: { metadata, spec: { ports: [{ port: 81 }] } },
  });
  assert.deepEqual([kept.body.spec?.clusterIP, kept.body.spec?.ports?.[0]?.port], [before.spec?.clusterIP, 81]);
  const body = { spec: { clusterIP: "None", clusterIPs: ["None"] } };
  const headers = { "content-type": "application/merge-patch+json" };
  const changed = await callApi<Status>(server, { method: "PATCH", path, headers, body });
  assert.match(changed.body.message ?? "", /spec\.clusterIPs\[0\]: Invalid value: \["None"\]: may not change once set/);
});

test("headless services and mere names have no address, and can be told apart by a field selector", async () => {
  const headless = await create("headless", { clusterIP: "None" });
  const name = await create("name", { type: "ExternalName", externalName: "example.com" });
  assert.deepEqual([headless.body.spec?.clusterIPs, name.body.spec?.clusterIP], [["None"], undefined]);
  const namesOf = async (selector: string) => {
    const path = `${PATH}?fieldSelector=${encodeURIComponent(selector)}`;
    return (await callApi<ListOf<Service>>(server, { path })).body.items.map(({ metadata }) => metadata?.name);
  };
  assert.deepEqual(await namesOf("spec.clusterIP=None"), ["headless"]);
  const others = await namesOf("spec.clusterIP!=None");
  assert.deepEqual([others.includes("headless"), others.includes("kubernetes")], [false, true]);
});

test("a service that cannot be is refused as Kubernetes does", async () => {
  assert.equal(await refusal("bad", {}), 'Service "bad" is invalid: spec.ports: Required value');
  assert.match(await refusal("bad", { type: "Other", ports: PORTS }), /spec\.type: Unsupported value: "Other"/);
  assert.match(await refusal("bad", { ports: [{ port: 80 }, { port: 81 }] }), /spec\.ports\[0\]\.name: Required value/);
  assert.match(
    await refusal("bad", { ports: [{ port: 0 }] }),
    /spec\.ports\[0\]\.port: Invalid value: 0: must be between 1/,
  );
  assert.match(await refusal("bad", { type: "ExternalName" }), /spec\.externalName: Required value/);
  assert.match(await refusal("bad", { ports: PORTS, ipFamilies: ["IPv6"] }), /not configured on this cluster/);
  assert.match(await refusal("1bad", { ports: PORTS }), /metadata\.name: Invalid value: "1bad"/);
});

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { ConfigMap, Event, Namespace, Pod } from "../../api/core-v1.gen.ts";
import type { Lease } from "../../api/coordination-v1.gen.ts";
import type { Status } from "../../api/meta-v1.gen.ts";
import { callApi, watchApi } from "../../testing/api-call.ts";
import { startTestApiServer, type TestApiServer } from "../../testing/api-server.ts";

let server: TestApiServer;
let names = 0;

before(async () => {
  server = await startTestApiServer();
  await callApi(server, { method: "POST", path: NS, body: { metadata: { name: "t" } } });
  const account = { metadata: { name: "default" }, imagePullSecrets: [{ name: "from-account" }] };
  await callApi(server, { method: "POST", path: `${NS}/t/serviceaccounts`, body: account });
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

const NS = "/api/v1/namespaces";
const MAPS = `${NS}/t/configmaps`;
const PODS = `${NS}/t/pods`;
const newName = () => `n${++names}`;
const post = async <T = ConfigMap>(path: string, body: object | string, headers = {}) =>
  await callApi<T & Status>(server, { method: "POST", path, body, headers });
const get = async <T = ConfigMap>(path: string) => await callApi<T & Status>(server, { path });
const put = async <T = ConfigMap>(path: string, body: object) =>
  await callApi<T & Status>(server, { method: "PUT", path, body });
const remove = async <T = ConfigMap>(path: string, body?: object) =>
  await callApi<T & Status>(server, { method: "DELETE", path, ...(body === undefined ? {} : { body }) });
const patch = async <T = ConfigMap>(path: string, kind: string, body: object) =>
  await callApi<T & Status>(server, {
    method: "PATCH",
    path,
    body,
    headers: { "content-type": `application/${kind}+json` },
  });

async function newMap(extra: object = {}): Promise<{ path: string; map: ConfigMap }> {
  const name = newName();
  const { body } = await post(MAPS, { metadata: { name, ...extra }, data: { a: "1" } });
  return { path: `${MAPS}/${name}`, map: body };
}

async function newPod(nodeName?: string, finalizers?: string[]): Promise<{ path: string; pod: Pod }> {
  const name = newName();
  const containers = [{ name: "c", image: "busybox:1" }];
  const pod = { metadata: { name, finalizers }, spec: { containers } };
  const { body } = await post<Pod>(PODS, pod);
  const path = `${PODS}/${name}`;
  if (nodeName !== undefined)
    await post(`${path}/binding`, { metadata: { name }, target: { kind: "Node", name: nodeName } });
  return { path, pod: body };
}

describe("create", () => {
  test("gives an object its uid, time and version, whatever it says itself", async () => {
    const metadata = {
      name: newName(),
      uid: "mine",
      resourceVersion: "7",
      creationTimestamp: "2001-01-01T00:00:00Z",
      managedFields: [{}],
    };
    const { status, body } = await post(MAPS, { metadata });
    assert.equal(status, 201);
    assert.match(body.metadata?.uid ?? "", /^[0-9a-f-]{36}$/);
    assert.match(body.metadata?.creationTimestamp ?? "", /^20[2-9]\d-.*Z$/);
    assert.notEqual(body.metadata?.resourceVersion, "7");
    assert.deepEqual(
      [body.kind, body.apiVersion, body.metadata?.namespace, body.metadata?.managedFields],
      ["ConfigMap", "v1", "t", undefined],
    );
  });

  test("of a name that is taken is answered with AlreadyExists", async () => {
    const { map } = await newMap();
    const { status, body } = await post(MAPS, { metadata: { name: map.metadata?.name } });
    assert.deepEqual(
      [status, body.reason, body.message],
      [409, "AlreadyExists", `configmaps "${map.metadata?.name}" already exists`],
    );
    assert.deepEqual(body.details, { name: map.metadata?.name, kind: "configmaps" });
  });

  test("makes up a name after generateName", async () => {
    const { body } = await post(MAPS, { metadata: { generateName: "x-" } });
    assert.match(body.metadata?.name ?? "", /^x-[a-z0-9]{5}$/);
  });

  test("without a name is invalid", async () => {
    const { status, body } = await post(MAPS, { metadata: {} });
    assert.equal(status, 422);
    assert.match(body.message ?? "", /metadata\.name: Required value: name or generateName is required/);
  });

  test("in another namespace than the path's is a bad request", async () => {
    const { status, body } = await post(MAPS, { metadata: { name: "x", namespace: "other" } });
    assert.deepEqual(
      [status, body.message],
      [400, "the namespace of the provided object does not match the namespace sent on the request"],
    );
  });

  test("in a missing namespace says that the namespace is not found", async () => {
    const { status, body } = await post(`${NS}/nosuch/configmaps`, { metadata: { name: "x" } });
    assert.deepEqual([status, body.message], [404, 'namespaces "nosuch" not found']);
  });

  test("with dryRun=All answers as if and stores nothing", async () => {
    const name = newName();
    const { status, body } = await post(`${MAPS}?dryRun=All`, { metadata: { name } });
    assert.deepEqual([status, body.metadata?.name], [201, name]);
    assert.equal((await get(`${MAPS}/${name}`)).status, 404);
  });

  test("refuses, warns about or ignores unknown fields as fieldValidation says", async () => {
    const create = async (mode: string) =>
      await post(`${MAPS}?fieldValidation=${mode}`, { metadata: { name: newName() }, dat: {} });
    const strict = await create("Strict");
    assert.equal(strict.status, 400);
    assert.match(strict.body.message ?? "", /strict decoding error: unknown field "dat"/);
    const warn = await create("Warn");
    assert.deepEqual([warn.status, warn.headers["warning"]], [201, '299 - "unknown field \\"dat\\""']);
    const ignore = await create("Ignore");
    assert.deepEqual([ignore.status, ignore.headers["warning"], "dat" in ignore.body], [201, undefined, false]);
    assert.equal((await create("Maybe")).status, 422);
  });

  test("takes YAML, follows no aliases, and quotes nothing that cannot be parsed", async () => {
    const yaml = { "content-type": "application/yaml" };
    const { status, body } = await post(MAPS, `metadata: {name: ${newName()}}\ndata: {on: "off"}\n`, yaml);
    assert.deepEqual([status, body.data], [201, { true: "off" }]);
    const bomb = "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n";
    assert.equal((await post(MAPS, bomb, yaml)).status, 400);
    const broken = await post(MAPS, 'data: {password: "hunter2\n', yaml);
    assert.equal(broken.status, 400);
    assert.doesNotMatch(JSON.stringify(broken.body), /hunter2/);
  });

  test("of an unknown media type, of what is no JSON, and of more than 3 MiB is refused by its own code", async () => {
    assert.equal((await post(MAPS, "x", { "content-type": "text/plain" })).status, 415);
    assert.equal((await post(MAPS, "{")).status, 400);
    const large = JSON.stringify({ data: { a: "x".repeat(3 * 1024 * 1024) } });
    assert.equal((await post(MAPS, large)).status, 413);
  });

  test("gives a pod its status, its account and that account's pull secrets", async () => {
    const { pod } = await newPod();
    assert.deepEqual(pod.status, { phase: "Pending", qosClass: "BestEffort" });
    assert.deepEqual(
      [pod.spec?.serviceAccountName, pod.spec?.imagePullSecrets],
      ["default", [{ name: "from-account" }]],
    );
  });

  test("of a pod for a missing account is forbidden", async () => {
    const spec = { serviceAccountName: "nobody", containers: [{ name: "c", image: "b" }] };
    const { status, body } = await post(PODS, { metadata: { name: "x" }, spec });
    assert.equal(status, 403);
    assert.equal(
      body.message,
      'pods "x" is forbidden: error looking up service account t/nobody: serviceaccounts "nobody" not found',
    );
  });

  test("of a pod waits for the default account that its new namespace is about to get", async () => {
    const name = newName();
    await post(NS, { metadata: { name } });
    const pod = post(`${NS}/${name}/pods`, {
      metadata: { name: "p" },
      spec: { containers: [{ name: "c", image: "b" }] },
    });
    setTimeout(() => void post(`${NS}/${name}/serviceaccounts`, { metadata: { name: "default" } }), 50);
    assert.equal((await pod).status, 201);
  });
});

describe("update", () => {
  test("with an old resource version is a conflict that changes nothing", async () => {
    const { path, map } = await newMap();
    assert.equal((await put(path, { ...map, data: { a: "2" } })).status, 200);
    const { status, body } = await put(path, { ...map, data: { a: "3" } });
    assert.deepEqual([status, body.reason], [409, "Conflict"]);
    assert.match(
      body.message ?? "",
      /^Operation cannot be fulfilled on configmaps "n\d+": the object has been modified/,
    );
    assert.deepEqual((await get(path)).body.data, { a: "2" });
  });

  test("without a resource version replaces what is there, but keeps what the server decides", async () => {
    const { path, map } = await newMap();
    const { body } = await put(path, { metadata: { name: map.metadata?.name }, data: { b: "2" } });
    assert.deepEqual([body.data, body.metadata?.uid], [{ b: "2" }, map.metadata?.uid]);
    assert.notEqual(body.metadata?.resourceVersion, map.metadata?.resourceVersion);
  });

  test("that changes nothing writes nothing", async () => {
    const { path, map } = await newMap();
    const { body } = await put(path, map);
    assert.equal(body.metadata?.resourceVersion, map.metadata?.resourceVersion);
  });

  test("of another object's uid is a conflict", async () => {
    const { path, map } = await newMap();
    const { status, body } = await put(path, { ...map, metadata: { name: map.metadata?.name, uid: "other" } });
    assert.equal(status, 409);
    assert.match(body.message ?? "", /Precondition failed: UID in precondition: other/);
  });

  test("creates a Lease that is missing, and wants a resource version for one that is there", async () => {
    const path = `/apis/coordination.k8s.io/v1/namespaces/t/leases/${newName()}`;
    const lease = { metadata: {}, spec: { holderIdentity: "me", leaseDurationSeconds: 10 } };
    assert.equal((await put<Lease>(path, lease)).status, 201);
    assert.equal((await put<Lease>(path, lease)).status, 422);
  });

  test("of the status leaves the spec alone, and the other way round", async () => {
    const { path, pod } = await newPod();
    const changed = { ...pod, spec: { ...pod.spec, nodeName: "elsewhere" }, status: { phase: "Running" } };
    const { body } = await put<Pod>(`${path}/status`, changed);
    assert.deepEqual(
      [body.status?.phase, body.status?.qosClass, body.spec?.nodeName],
      ["Running", "BestEffort", undefined],
    );
    const again = await put<Pod>(path, { ...body, status: { phase: "Failed" } });
    assert.equal(again.body.status?.phase, "Running");
  });
});

describe("patch", () => {
  test("of each kind changes an object", async () => {
    const { path } = await newMap();
    await patch(path, "merge-patch", { data: { b: "2" } });
    await patch(path, "json-patch", [{ op: "add", path: "/data/c", value: "3" }]);
    const { body } = await patch(path, "strategic-merge-patch", { data: { a: null } });
    assert.deepEqual(body.data, { b: "2", c: "3" });
  });

  test("by many at once loses none of their changes", async () => {
    const { path } = await newMap();
    const keys = Array.from({ length: 30 }, (_, index) => `k${index}`);
    await Promise.all(keys.map((key) => patch(path, "merge-patch", { data: { [key]: "x" } })));
    const { data } = (await get(path)).body;
    assert.deepEqual(Object.keys(data ?? {}).length, 31);
  });

  test("that names an old resource version is a conflict", async () => {
    const { path, map } = await newMap();
    await patch(path, "merge-patch", { data: { b: "2" } });
    const { status } = await patch(path, "merge-patch", {
      metadata: { resourceVersion: map.metadata?.resourceVersion },
    });
    assert.equal(status, 409);
  });

  test("by server-side apply is refused with a clear message", async () => {
    const { path } = await newMap();
    const answer = await callApi<Status>(server, {
      method: "PATCH",
      path,
      body: {},
      headers: { "content-type": "application/apply-patch+yaml" },
    });
    assert.equal(answer.status, 415);
    assert.match(answer.body.message ?? "", /server-side apply is not served/);
  });

  test("of a missing object is not found", async () => {
    assert.equal((await patch(`${MAPS}/nosuch`, "merge-patch", {})).status, 404);
  });
});

describe("delete", () => {
  test("removes at once what has no grace and no finalizers", async () => {
    const { path, map } = await newMap();
    const { status, body } = await remove(path);
    assert.equal(status, 200);
    assert.deepEqual(
      [body.status, body.details],
      ["Success", { name: map.metadata?.name, kind: "configmaps", uid: map.metadata?.uid }],
    );
    assert.equal((await get(path)).status, 404);
  });

  test("with preconditions that do not hold is a conflict", async () => {
    const { path, map } = await newMap();
    assert.equal((await remove(path, { preconditions: { uid: "other" } })).status, 409);
    assert.equal((await remove(path, { preconditions: { resourceVersion: "1" } })).status, 409);
    assert.equal((await remove(path, { preconditions: { uid: map.metadata?.uid } })).status, 200);
  });

  test("waits for finalizers, and the update that takes the last one away ends the object", async () => {
    const { path, map } = await newMap({ finalizers: ["example.com/a"] });
    const marked = await remove(path);
    assert.notEqual(marked.body.metadata?.deletionTimestamp, undefined);
    const added = await patch(path, "merge-patch", { metadata: { finalizers: ["example.com/a", "example.com/b"] } });
    assert.equal(added.status, 422);
    assert.equal((await get(path)).body.metadata?.uid, map.metadata?.uid);
    await patch(path, "merge-patch", { metadata: { finalizers: null } });
    assert.equal((await get(path)).status, 404);
  });

  test("of a pod that was never scheduled removes it at once", async () => {
    const { path } = await newPod();
    await remove<Pod>(path);
    assert.equal((await get(path)).status, 404);
  });

  test("of a pod on a node marks it; the grace can become shorter, never longer; its node ends it with none", async () => {
    const { path, pod } = await newPod("vm");
    const marked = await remove<Pod>(path);
    assert.equal(marked.body.metadata?.deletionGracePeriodSeconds, 30);
    assert.equal(marked.body.metadata?.generation, (pod.metadata?.generation ?? 0) + 1);
    const left = Date.parse(marked.body.metadata?.deletionTimestamp ?? "") - Date.now();
    assert.ok(left > 28_000 && left <= 30_000, String(left));
    await remove<Pod>(path, { gracePeriodSeconds: 60 });
    assert.equal((await get<Pod>(path)).body.metadata?.deletionGracePeriodSeconds, 30);
    const shorter = await remove<Pod>(path, { gracePeriodSeconds: 5 });
    assert.equal(shorter.body.metadata?.deletionGracePeriodSeconds, 5);
    await remove<Pod>(path, { gracePeriodSeconds: 0 });
    assert.equal((await get(path)).status, 404);
  });

  test("by force tells the node first that no time is left", async () => {
    const { path, pod } = await newPod("vm");
    const revision = (await get<Pod>(path)).body.metadata?.resourceVersion;
    const query = `watch=1&resourceVersion=${revision}&fieldSelector=metadata.name%3D${pod.metadata?.name}`;
    await using watch = await watchApi<Pod>(server, { path: `${PODS}?${query}` });
    await remove<Pod>(path, { gracePeriodSeconds: 0 });
    const lines = await watch.take(2);
    assert.deepEqual(
      lines.map(({ type, object }) => [type, object.metadata?.deletionGracePeriodSeconds]),
      [
        ["MODIFIED", 0],
        ["DELETED", 0],
      ],
    );
  });

  test("of a collection takes what the selectors take", async () => {
    const label = newName();
    for (const value of ["a", "a", "b"]) await newMap({ labels: { [label]: value } });
    const { body } = await remove<{ items: ConfigMap[] }>(`${MAPS}?labelSelector=${label}%3Da`);
    assert.equal(body.items.length, 2);
    const left = await get<{ items: ConfigMap[] }>(`${MAPS}?labelSelector=${label}`);
    assert.equal(left.body.items.length, 1);
  });

  test("of a namespace lets nothing new in and ends it when it is finalized", async () => {
    const name = newName();
    await post<Namespace>(NS, { metadata: { name } });
    const marked = await remove<Namespace>(`${NS}/${name}`);
    assert.equal((marked.body.status as unknown as { phase: string }).phase, "Terminating");
    const refused = await post(`${NS}/${name}/configmaps`, { metadata: { name: "x" } });
    assert.equal(refused.status, 403);
    assert.match(
      refused.body.message ?? "",
      /unable to create new content in namespace n\d+ because it is being terminated/,
    );
    const { body } = await get<Namespace>(`${NS}/${name}`);
    await put<Namespace>(`${NS}/${name}/finalize`, { ...body, spec: { finalizers: [] } });
    assert.equal((await get(`${NS}/${name}`)).status, 404);
  });

  test("of a namespace that every cluster has is forbidden", async () => {
    const { status, body } = await remove(`${NS}/default`);
    assert.deepEqual(
      [status, body.message],
      [403, 'namespaces "default" is forbidden: this namespace may not be deleted'],
    );
  });
});

describe("binding", () => {
  test("puts a pod on a node, once", async () => {
    const { path, pod } = await newPod("vm");
    const bound = (await get<Pod>(path)).body;
    assert.equal(bound.spec?.nodeName, "vm");
    const [condition] = (bound.status as unknown as NonNullable<Pod["status"]>).conditions ?? [];
    assert.deepEqual([condition?.type, condition?.status], ["PodScheduled", "True"]);
    const again = await post(`${path}/binding`, { metadata: { name: pod.metadata?.name }, target: { name: "other" } });
    assert.equal(again.status, 409);
    assert.match(again.body.message ?? "", /is already assigned to node "vm"/);
  });
});

describe("events", () => {
  test("end by themselves through a lease of the storage", async () => {
    const name = newName();
    const event = {
      metadata: { name },
      involvedObject: { kind: "Pod", namespace: "t", name: "p" },
      reason: "R",
      message: "m",
      type: "Normal",
    };
    assert.equal((await post<Event>(`${NS}/t/events`, event)).status, 201);
    const { kvs } = await server.storage.range({ key: `/registry/events/t/${name}` });
    assert.ok((kvs[0]?.lease ?? 0) > 0);
    await server.storage.revokeLease(kvs[0]?.lease ?? 0);
    assert.equal((await get(`${NS}/t/events/${name}`)).status, 404);
  });
});

test("what nobody serves is not found, and a verb that is not served is not allowed", async () => {
  for (const path of [
    "/api/v1/nosuch",
    "/apis/apps/v1/deployments",
    `${MAPS}/x/nosuch`,
    "/nosuch",
    "/api/v1/namespaces/t/nodes",
  ]) {
    assert.equal((await get(path)).status, 404, path);
  }
  assert.equal((await post(`${MAPS}/x`, {})).status, 405);
});

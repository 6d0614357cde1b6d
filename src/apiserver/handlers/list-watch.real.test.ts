import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { ConfigMap } from "../../api/core-v1.gen.ts";
import type { KubernetesObject, ListOf } from "../../api/kubernetes-object.ts";
import type { Status, Table } from "../../api/meta-v1.gen.ts";
import { callApi, watchApi, type WatchLine } from "../../testing/api-call.ts";
import { startTestApiServer, type TestApiServer } from "../../testing/api-server.ts";

let server: TestApiServer;
let namespaces = 0;

before(async () => {
  server = await startTestApiServer();
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

const TABLE = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" };

type MapList = ListOf<ConfigMap> & Status;

async function newNamespace(): Promise<string> {
  const name = `ns${++namespaces}`;
  await callApi(server, { method: "POST", path: "/api/v1/namespaces", body: { metadata: { name } } });
  return `/api/v1/namespaces/${name}/configmaps`;
}

async function create(path: string, name: string, labels: Record<string, string> = {}): Promise<string> {
  const { body } = await callApi<ConfigMap>(server, { method: "POST", path, body: { metadata: { name, labels } } });
  return body.metadata?.resourceVersion ?? "";
}

async function label(path: string, name: string, labels: Record<string, string | null>): Promise<string> {
  const headers = { "content-type": "application/merge-patch+json" };
  const call = { method: "PATCH", path: `${path}/${name}`, body: { metadata: { labels } }, headers };
  return (await callApi<ConfigMap>(server, call)).body.metadata?.resourceVersion ?? "";
}

const remove = async (path: string, name: string) =>
  await callApi(server, { method: "DELETE", path: `${path}/${name}` });
const list = async (path: string, query = "") => await callApi<MapList>(server, { path: `${path}?${query}` });
const namesOf = ({ items }: MapList) => items.map(({ metadata }) => metadata?.name);
const linesOf = (lines: readonly WatchLine<KubernetesObject>[]) =>
  lines.map(({ type, object }) => `${type} ${object.metadata?.name}`);

describe("list", () => {
  test("in pages shows one revision, whatever happens in between", async () => {
    const path = await newNamespace();
    for (const name of ["a", "b", "c", "d", "e"]) await create(path, name);
    const first = (await list(path, "limit=2")).body;
    assert.deepEqual([namesOf(first), first.metadata.remainingItemCount], [["a", "b"], 3]);
    await remove(path, "c");
    await create(path, "bb");
    const second = (await list(path, `limit=2&continue=${first.metadata.continue}`)).body;
    assert.deepEqual([namesOf(second), second.metadata.remainingItemCount], [["c", "d"], 1]);
    const third = (await list(path, `limit=2&continue=${second.metadata.continue}`)).body;
    assert.deepEqual([namesOf(third), third.metadata.continue], [["e"], undefined]);
    assert.equal(third.metadata.resourceVersion, first.metadata.resourceVersion);
  });

  test("in pages with a selector fills each page", async () => {
    const path = await newNamespace();
    for (const name of ["a", "b", "c", "d"]) await create(path, name, { odd: String(["a", "c"].includes(name)) });
    const first = (await list(path, "limit=1&labelSelector=odd%3Dtrue")).body;
    assert.deepEqual([namesOf(first), first.metadata.remainingItemCount], [["a"], undefined]);
    const second = (await list(path, `limit=1&labelSelector=odd%3Dtrue&continue=${first.metadata.continue}`)).body;
    assert.deepEqual([namesOf(second), second.metadata.continue], [["c"], undefined]);
  });

  test("with a continue token of another namespace is a bad request", async () => {
    const path = await newNamespace();
    for (const name of ["a", "b"]) await create(path, name);
    const token = (await list(path, "limit=1")).body.metadata.continue ?? "";
    const { status } = await list(await newNamespace(), `continue=${token}`);
    assert.equal(status, 400);
    assert.equal((await list(path, "continue=rubbish")).status, 400);
  });

  test("whose page is compacted away is answered with Expired", async () => {
    const path = await newNamespace();
    for (const name of ["a", "b"]) await create(path, name);
    const token = (await list(path, "limit=1")).body.metadata.continue ?? "";
    await create(path, "c");
    await server.storage.compact(await server.storage.revision());
    const { status, body } = await list(path, `continue=${token}`);
    assert.deepEqual([status, body.reason], [410, "Expired"]);
  });

  test("at an exact revision shows what was there", async () => {
    const path = await newNamespace();
    const revision = await create(path, "a");
    await create(path, "b");
    const { body } = await list(path, `resourceVersion=${revision}&resourceVersionMatch=Exact`);
    assert.deepEqual([namesOf(body), body.metadata.resourceVersion], [["a"], revision]);
  });

  test("at a revision that has not happened times out, at one that is no number is a bad request", async () => {
    const path = await newNamespace();
    const { status, body } = await list(path, "resourceVersion=99999999");
    assert.equal(status, 504);
    assert.match(body.message ?? "", /Too large resource version: 99999999, current: \d+/);
    assert.equal((await list(path, "resourceVersion=abc")).status, 400);
    assert.equal((await list(path, "resourceVersionMatch=Exact")).status, 422);
  });

  test("by field knows the fields of its kind only", async () => {
    const path = await newNamespace();
    for (const name of ["a", "b"]) await create(path, name);
    assert.deepEqual(namesOf((await list(path, "fieldSelector=metadata.name%21%3Da")).body), ["b"]);
    const { status, body } = await list(path, "fieldSelector=spec.nodeName%3Da");
    assert.deepEqual([status, body.message], [400, "field label not supported: spec.nodeName"]);
  });

  test("shows every namespace where none is named", async () => {
    const path = await newNamespace();
    const name = path.split("/")[4];
    await create(path, "a");
    const { body } = await list("/api/v1/configmaps", `fieldSelector=metadata.namespace%3D${name}`);
    assert.deepEqual(namesOf(body), ["a"]);
    assert.equal(body.kind, "ConfigMapList");
  });

  test("as a table or as metadata alone is what Accept asks for, and anything else is not acceptable", async () => {
    const path = await newNamespace();
    await create(path, "a");
    const table = await callApi<Table>(server, { path, headers: TABLE });
    assert.deepEqual(
      table.body.columnDefinitions?.map(({ name }) => name),
      ["Name", "Data", "Age"],
    );
    assert.deepEqual(table.body.rows?.[0]?.cells?.slice(0, 2), ["a", 0]);
    const accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    const partial = await callApi<ListOf<KubernetesObject>>(server, { path, headers: { accept } });
    assert.deepEqual(
      [partial.body.kind, Object.keys(partial.body.items[0] ?? {})],
      ["PartialObjectMetadataList", ["kind", "apiVersion", "metadata"]],
    );
    assert.equal((await callApi(server, { path, headers: { accept: "text/html" } })).status, 406);
  });

  test("that is long is compressed where that is accepted", async () => {
    const path = await newNamespace();
    const body = { metadata: { name: "large" }, data: { a: "x".repeat(200_000) } };
    await callApi(server, { method: "POST", path, body });
    const answer = await callApi(server, { path, headers: { "accept-encoding": "gzip" } });
    assert.equal(answer.headers["content-encoding"], "gzip");
    assert.ok(Number(answer.headers["content-length"]) < 20_000);
    assert.equal(
      (await callApi(server, { path, headers: { "accept-encoding": "gzip;q=0" } })).headers["content-encoding"],
      undefined,
    );
  });
});

describe("watch", () => {
  test("from a list's version sees each change after it, once, in order", async () => {
    const path = await newNamespace();
    await create(path, "a");
    const { resourceVersion } = (await list(path)).body.metadata;
    await create(path, "b");
    await using watch = await watchApi<KubernetesObject>(server, {
      path: `${path}?watch=1&resourceVersion=${resourceVersion}`,
    });
    await label(path, "a", { x: "1" });
    await remove(path, "b");
    assert.deepEqual(linesOf(await watch.take(3)), ["ADDED b", "MODIFIED a", "DELETED b"]);
  });

  test("tells a deletion at the revision of the deletion", async () => {
    const path = await newNamespace();
    const created = await create(path, "a");
    await using watch = await watchApi<KubernetesObject>(server, {
      path: `${path}?watch=1&resourceVersion=${created}`,
    });
    await remove(path, "a");
    const [line] = await watch.take(1);
    assert.ok(Number(line?.object.metadata?.resourceVersion) > Number(created));
  });

  test("without a version begins with what is there", async () => {
    const path = await newNamespace();
    await create(path, "a");
    await using watch = await watchApi<KubernetesObject>(server, { path: `${path}?watch=true` });
    assert.deepEqual(linesOf(await watch.take(1)), ["ADDED a"]);
    await create(path, "b");
    assert.deepEqual(linesOf(await watch.take(1)), ["ADDED b"]);
  });

  test("with a selector adds what begins to match and deletes what ceases to", async () => {
    const path = await newNamespace();
    const revision = await create(path, "a");
    const query = `watch=1&labelSelector=on&resourceVersion=${revision}`;
    await using watch = await watchApi<KubernetesObject>(server, { path: `${path}?${query}` });
    await label(path, "a", { on: "1" });
    await label(path, "a", { on: "2" });
    await label(path, "a", { on: null });
    await remove(path, "a");
    await create(path, "b", { on: "1" });
    assert.deepEqual(linesOf(await watch.take(4)), ["ADDED a", "MODIFIED a", "DELETED a", "ADDED b"]);
  });

  test("with initial events ends them by a bookmark that says so", async () => {
    const path = await newNamespace();
    const revision = await create(path, "a");
    const query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    await using watch = await watchApi<KubernetesObject>(server, { path: `${path}?${query}` });
    const [added, bookmark] = await watch.take(2);
    assert.deepEqual([added?.type, bookmark?.type, bookmark?.object.kind], ["ADDED", "BOOKMARK", "ConfigMap"]);
    assert.equal(bookmark?.object.metadata?.annotations?.["k8s.io/initial-events-end"], "true");
    assert.ok(Number(bookmark?.object.metadata?.resourceVersion) >= Number(revision));
    const refused = await callApi(server, { path: `${path}?watch=1&sendInitialEvents=true` });
    assert.equal(refused.status, 422);
  });

  test("ends cleanly after timeoutSeconds, with a last bookmark for who wants it", async () => {
    const path = await newNamespace();
    const start = performance.now();
    await using watch = await watchApi<KubernetesObject>(server, {
      path: `${path}?watch=1&timeoutSeconds=1&allowWatchBookmarks=true`,
    });
    await create(path, "a");
    assert.deepEqual(
      (await watch.rest()).map(({ type }) => type),
      ["ADDED", "BOOKMARK"],
    );
    const elapsed = performance.now() - start;
    assert.ok(elapsed > 900 && elapsed < 3000, String(elapsed));
  });

  test("as a table tells the columns once", async () => {
    const path = await newNamespace();
    await using watch = await watchApi<Table>(server, { path: `${path}?watch=1`, headers: TABLE });
    await create(path, "a");
    await create(path, "b");
    const [first, second] = await watch.take(2);
    assert.equal(first?.object.columnDefinitions?.length, 3);
    assert.equal(second?.object.columnDefinitions?.length ?? 0, 0);
    assert.equal(second?.object.rows?.[0]?.cells?.[0], "b");
  });

  test("of a single object by name sees that object alone", async () => {
    const path = await newNamespace();
    const query = "watch=1&fieldSelector=metadata.name%3Db";
    await using watch = await watchApi<KubernetesObject>(server, { path: `${path}?${query}` });
    await create(path, "a");
    await create(path, "b");
    assert.deepEqual(linesOf(await watch.take(1)), ["ADDED b"]);
  });
});

test("a watch from before a restart is told to list anew, and everything stored is still there", async () => {
  const before = await startTestApiServer();
  const path = "/api/v1/namespaces/default/configmaps";
  const { body } = await callApi<ConfigMap>(before, { method: "POST", path, body: { metadata: { name: "a" } } });
  await callApi(before, { method: "POST", path, body: { metadata: { name: "b" } } });
  await using watch = await watchApi(before, { path: `${path}?watch=1` });
  await watch.take(2);
  const restarted = before.restart();
  assert.deepEqual(await watch.rest(), []);
  await using after = await restarted;
  const revision = body.metadata?.resourceVersion;
  await using stale = await watchApi<Status>(after, { path: `${path}?watch=1&resourceVersion=${revision}` });
  const [line, ...others] = await stale.rest();
  assert.deepEqual([line?.type, line?.object.code, line?.object.reason, others], ["ERROR", 410, "Expired", []]);
  assert.deepEqual(namesOf((await callApi<MapList>(after, { path })).body), ["a", "b"]);
});

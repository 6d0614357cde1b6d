import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Event as CoreEvent } from "../../api/core-v1.gen.ts";
import type { Event } from "../../api/events-v1.gen.ts";
import type { Status } from "../../api/meta-v1.gen.ts";
import { callApi, watchApi } from "../../testing/api-call.ts";
import { startTestApiServer, type TestApiServer } from "../../testing/api-server.ts";

let server: TestApiServer;

const CORE = "/api/v1/namespaces/default/events";
const EVENTS = "/apis/events.k8s.io/v1/namespaces/default/events";
const REGARDING = { kind: "Pod", namespace: "default", name: "x" };
const TIME = "2026-01-02T03:04:05Z";

before(async () => {
  server = await startTestApiServer();
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

test("an event of the core group is shown with the newer names", async () => {
  const older = {
    message: "it is so",
    count: 2,
    firstTimestamp: TIME,
    lastTimestamp: TIME,
    source: { component: "me" },
  };
  const body = { metadata: { name: "older" }, involvedObject: REGARDING, reason: "Because", type: "Normal", ...older };
  assert.equal((await callApi(server, { method: "POST", path: CORE, body })).status, 201);
  const { body: event } = await callApi<Event>(server, { path: `${EVENTS}/older` });
  assert.deepEqual(
    { ...event, metadata: undefined },
    {
      kind: "Event",
      apiVersion: "events.k8s.io/v1",
      metadata: undefined,
      eventTime: null,
      regarding: REGARDING,
      note: "it is so",
      reason: "Because",
      type: "Normal",
      deprecatedCount: 2,
      deprecatedFirstTimestamp: TIME,
      deprecatedLastTimestamp: TIME,
      deprecatedSource: { component: "me" },
    },
  );
});

test("an event of the newer kind is the same event in the core group, also after a patch", async () => {
  const eventTime = "2026-01-02T03:04:05.000006Z";
  const body = { metadata: { name: "newer" }, regarding: REGARDING, note: "a", eventTime, reportingController: "c" };
  const created = await callApi<Event>(server, { method: "POST", path: EVENTS, body });
  assert.deepEqual([created.status, created.body.apiVersion, created.body.note], [201, "events.k8s.io/v1", "a"]);
  const headers = { "content-type": "application/strategic-merge-patch+json" };
  const patched = await callApi<Event>(server, {
    method: "PATCH",
    path: `${EVENTS}/newer`,
    headers,
    body: '{"note":"b","series":{"count":2,"lastObservedTime":"2026-01-02T03:04:06.000000Z"}}',
  });
  assert.deepEqual([patched.body.note, patched.body.series?.count], ["b", 2]);
  const { body: core } = await callApi<CoreEvent>(server, { path: `${CORE}/newer` });
  assert.deepEqual(
    [core.apiVersion, core.message, core.involvedObject, core.eventTime, core.reportingComponent, core.series?.count],
    ["v1", "b", REGARDING, eventTime, "c", 2],
  );
});

test("a list, a watch and a table have the version they were asked in", async () => {
  const path = `${EVENTS}?fieldSelector=regarding.name%3Dx,reason%3DBecause`;
  const { body: list } = await callApi<{ apiVersion: string; items: Event[] }>(server, { path });
  assert.deepEqual([list.apiVersion, list.items.map(({ note }) => note)], ["events.k8s.io/v1", ["it is so"]]);
  await using watch = await watchApi<Event>(server, { path: `${path}&watch=1` });
  assert.deepEqual(
    (await watch.take(1)).map(({ object }) => object.note),
    ["it is so"],
  );
  const headers = { accept: "application/json;as=Table;g=meta.k8s.io;v=v1" };
  const table = await callApi<{ rows: { object: Event }[] }>(server, { path: `${path}&includeObject=Object`, headers });
  assert.deepEqual(
    table.body.rows.map(({ object }) => object.note),
    ["it is so"],
  );
});

test("a field of the other version cannot be selected by, nor is it taken for one", async () => {
  const { status } = await callApi(server, { path: `${EVENTS}?fieldSelector=involvedObject.name%3Dx` });
  assert.equal(status, 400);
  const path = `${EVENTS}?fieldValidation=Strict`;
  const body = { metadata: { name: "bad" }, regarding: REGARDING, eventTime: TIME, message: "a" };
  const refused = await callApi<Status>(server, { method: "POST", path, body });
  assert.match(refused.body.message ?? "", /unknown field "message"/);
});

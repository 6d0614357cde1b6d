import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event, ObjectReference } from "../api/core-v1.gen.ts";
import type { Clock } from "../base/clock.ts";
import { createRestClient } from "./create-rest-client.ts";
import { EventCorrelator } from "./event-correlator.ts";
import { type EventRecorder, createEventRecorder, objectReferenceOf } from "./event-recorder.ts";
import { type ScriptedRequest, type ScriptedServer, startScriptedServer } from "./scripted-server.suite.ts";
import { PODS } from "../api/resource-types.ts";

const POD: ObjectReference = { apiVersion: "v1", kind: "Pod", namespace: "ns", name: "p", uid: "u" };

test("an event has all that kubectl shows: object, source, host, count and both times", async () => {
  await using server = await startScriptedServer(store);
  await using recorder = recorderOf(server);
  const reference = objectReferenceOf(
    PODS,
    { metadata: { name: "p", namespace: "ns", uid: "u", resourceVersion: "5" } },
    "spec.containers{app}",
  );
  recorder.record(reference, { type: "Warning", reason: "Failed", message: "Error: ErrImagePull" });
  await recorder.flush();
  const [request] = server.requests;
  assert.equal(request?.url.pathname, "/api/v1/namespaces/ns/events");
  const { metadata, firstTimestamp, lastTimestamp, ...event } = JSON.parse(request.body) as Event;
  assert.match(metadata.name ?? "", /^p\.[0-9a-f]{16}$/);
  assert.match(firstTimestamp ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal(lastTimestamp, firstTimestamp);
  assert.deepEqual(event, {
    apiVersion: "v1",
    kind: "Event",
    involvedObject: { ...POD, resourceVersion: "5", fieldPath: "spec.containers{app}" },
    type: "Warning",
    reason: "Failed",
    message: "Error: ErrImagePull",
    source: { component: "kubelet", host: "n1" },
    reportingComponent: "kubelet",
    reportingInstance: "n1",
    count: 1,
  });
});

test("identical events are counted in the first", async () => {
  await using server = await startScriptedServer(store);
  await using recorder = recorderOf(server);
  for (let i = 0; i < 3; i++) recorder.record(POD, { type: "Normal", reason: "BackOff", message: "Back-off" });
  await recorder.flush();
  const [create, ...patches] = server.requests;
  const name = (JSON.parse(create?.body ?? "") as Event).metadata.name ?? "";
  assert.deepEqual(
    patches.map((request) => [request.method, request.url.pathname, (JSON.parse(request.body) as Event).count]),
    [
      ["PATCH", `/api/v1/namespaces/ns/events/${name}`, 2],
      ["PATCH", `/api/v1/namespaces/ns/events/${name}`, 3],
    ],
  );
});

test("an event whose first has expired meanwhile is made anew, with its count", async () => {
  await using server = await startScriptedServer((request) => {
    if (request.method === "PATCH") request.answer(404, { kind: "Status", reason: "NotFound", code: 404 });
    else store(request);
  });
  await using recorder = recorderOf(server);
  for (let i = 0; i < 2; i++) recorder.record(POD, { type: "Normal", reason: "BackOff", message: "Back-off" });
  await recorder.flush();
  assert.deepEqual(
    server.requests.map((request) => request.method),
    ["POST", "PATCH", "POST"],
  );
  assert.equal((JSON.parse(server.requests[2]?.body ?? "") as Event).count, 2);
});

test("events keep their order, and outlive a server that loses connections", async () => {
  let losses = 0;
  await using server = await startScriptedServer((request) => {
    if (losses++ < 2) request.session.destroy();
    else store(request);
  });
  await using recorder = recorderOf(server);
  for (const reason of ["Scheduled", "Pulling", "Pulled"])
    recorder.record(POD, { type: "Normal", reason, message: "" });
  await recorder.flush();
  const reasons = server.requests.map((request) => (JSON.parse(request.body) as Event).reason);
  assert.deepEqual(reasons, ["Scheduled", "Scheduled", "Scheduled", "Pulling", "Pulled"]);
});

test("an event that the server refuses is given up, and the next one stored", async () => {
  await using server = await startScriptedServer((request) => {
    const refuses = request.body.includes("Refused");
    if (refuses) request.answer(403, { kind: "Status", reason: "Forbidden", code: 403, message: "no" });
    else store(request);
  });
  await using recorder = recorderOf(server);
  for (const reason of ["Refused", "Next"]) recorder.record(POD, { type: "Normal", reason, message: "" });
  await recorder.flush();
  assert.equal(server.requests.length, 2);
});

test("a recorder is disposed of in time though the server is away", async () => {
  const recorder = createEventRecorder({ client: createRestClient({ server: "http://127.0.0.1:1" }), component: "c" });
  recorder.record(POD, { type: "Normal", reason: "R", message: "" });
  await recorder[Symbol.asyncDispose]();
});

test("the tenth of similar events within ten minutes and those after become one", () => {
  const { correlator, event } = correlating();
  const messages = Array.from({ length: 12 }, (_, i) => correlator.correlate(event(`message ${i}`)));
  assert.deepEqual(
    messages.slice(8).map((result) => [result.kind, "event" in result && result.event.message]),
    [
      ["create", "message 8"],
      ["create", "(combined from similar events): message 9"],
      ["count", "(combined from similar events): message 10"],
      ["count", "(combined from similar events): message 11"],
    ],
  );
});

test("similar events more than ten minutes apart stay apart", () => {
  const { correlator, event, advance } = correlating();
  for (let i = 0; i < 30; i++) {
    advance(601_000);
    const result = correlator.correlate(event(`message ${i}`));
    assert.equal("event" in result && result.event.message, `message ${i}`);
  }
});

test("of one source and object 25 events pass at once, then one each five minutes; other objects are not held up", () => {
  const { correlator, event, advance } = correlating();
  const kinds = (count: number, name = "p"): string[] =>
    Array.from({ length: count }, () => correlator.correlate(event("same", name)).kind);
  assert.deepEqual(new Set(kinds(25)), new Set(["create", "count"]));
  assert.deepEqual(kinds(2), ["drop", "drop"]);
  assert.deepEqual(kinds(1, "other"), ["create"]);
  advance(300_000);
  assert.deepEqual(kinds(2), ["count", "drop"]);
});

function store(request: ScriptedRequest): void {
  const sent = JSON.parse(request.body) as Event;
  const name = sent.metadata?.name ?? request.url.pathname.split("/").at(-1);
  request.answer(200, { ...sent, metadata: { ...sent.metadata, name, namespace: "ns", resourceVersion: "1" } });
}

function recorderOf(server: ScriptedServer): EventRecorder {
  const client = createRestClient({ server: server.url });
  const recorder = createEventRecorder({ client, component: "kubelet", host: "n1" });
  return {
    record: (object, facts) => {
      recorder.record(object, facts);
    },
    flush: () => recorder.flush(),
    [Symbol.asyncDispose]: async () => {
      await recorder[Symbol.asyncDispose]();
      await client[Symbol.asyncDispose]();
    },
  };
}

interface Correlating {
  readonly correlator: EventCorrelator;
  readonly event: (message: string, name?: string) => Event;
  readonly advance: (ms: number) => void;
}

function correlating(): Correlating {
  let now = 0;
  const clock: Clock = { now: () => now, monotonic: () => now, sleep: () => Promise.resolve() };
  return {
    correlator: new EventCorrelator(clock),
    event: (message, name = "p") => ({
      metadata: { name: "e" },
      involvedObject: { ...POD, name },
      type: "Normal",
      reason: "R",
      message,
      source: { component: "c" },
    }),
    advance: (ms) => {
      now += ms;
    },
  };
}

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "../api/core-v1.gen.ts";
import { PODS } from "../api/resource-types.ts";
import { waitUntil } from "../testing/wait-until.ts";
import { createRestClient } from "./create-rest-client.ts";
import { type Informer, createInformer } from "./informer.ts";
import { type ScriptedRequest, type ScriptedServer, startScriptedServer } from "./scripted-server.suite.ts";

const INITIAL_END = { metadata: { resourceVersion: "10", annotations: { "k8s.io/initial-events-end": "true" } } };

test("initial objects are streamed where the server can, and changes follow on the same watch", async () => {
  await using server = await startScriptedServer((request) => {
    const send = request.watch();
    send("ADDED", pod("a", 1));
    send("ADDED", pod("b", 2));
    send("BOOKMARK", INITIAL_END);
    send("MODIFIED", pod("a", 11));
    send("DELETED", pod("b", 12));
  });
  await using running = run(server, { fieldSelector: "spec.nodeName=n" });
  await running.informer.synced;
  await waitUntil("all events", () => running.told.length === 4, { intervalMs: 2 });
  assert.deepEqual(running.told, ["+a@1", "+b@2", "a@1→11", "-b@12"]);
  assert.deepEqual(namesIn(running.informer), ["a"]);
  const query = server.requests[0]?.url.searchParams;
  assert.deepEqual(
    ["watch", "sendInitialEvents", "resourceVersionMatch", "allowWatchBookmarks", "fieldSelector"].map((name) =>
      query?.get(name),
    ),
    ["true", "true", "NotOlderThan", "true", "spec.nodeName=n"],
  );
});

test("where the server refuses to stream lists, pages are listed and watched from their version", async () => {
  await using server = await startScriptedServer((request) => {
    const query = request.url.searchParams;
    if (query.has("sendInitialEvents"))
      request.answer(422, { kind: "Status", reason: "Invalid", code: 422, message: "sendInitialEvents is forbidden" });
    else if (query.has("watch")) request.watch()("ADDED", pod("c", 8));
    else if (query.has("continue")) request.answer(200, { metadata: { resourceVersion: "7" }, items: [pod("b", 6)] });
    else request.answer(200, { metadata: { resourceVersion: "7", continue: "token" }, items: [pod("a", 5)] });
  });
  await using running = run(server);
  await running.informer.synced;
  await waitUntil("the watch", () => running.told.length === 3, { intervalMs: 2 });
  assert.deepEqual(running.told, ["+a@5", "+b@6", "+c@8"]);
  assert.equal(server.requests.at(-1)?.url.searchParams.get("resourceVersion"), "7");
});

test("after a lost connection the watch goes on from the last version seen, bookmarks included", async () => {
  await using server = await startScriptedServer((request) => {
    const send = request.watch();
    if (server.requests.length === 1) {
      send("BOOKMARK", INITIAL_END);
      send("ADDED", pod("a", 20));
      send("BOOKMARK", { metadata: { resourceVersion: "30" } });
      setTimeout(() => {
        server.breakConnections();
      }, 20);
    } else send("MODIFIED", pod("a", 31));
  });
  await using running = run(server);
  await waitUntil("the second watch", () => running.told.length === 2, { intervalMs: 2 });
  assert.deepEqual(running.told, ["+a@20", "a@20→31"]);
  const query = server.requests[1]?.url.searchParams;
  assert.deepEqual([query?.get("resourceVersion"), query?.has("sendInitialEvents")], ["30", false]);
});

test("when the version has expired everything is listed anew, and what was missed is told as changes", async () => {
  const gone = { kind: "Status", reason: "Expired", code: 410, message: "too old resource version" };
  await using server = await startScriptedServer((request) => {
    const send = request.watch();
    if (server.requests.length === 1) {
      for (const name of ["a", "b", "c"]) send("ADDED", pod(name, 1));
      send("BOOKMARK", INITIAL_END);
      send("ERROR", gone);
    } else {
      send("ADDED", pod("a", 1));
      send("ADDED", pod("b", 9));
      send("ADDED", pod("d", 9));
      send("BOOKMARK", INITIAL_END);
    }
  });
  await using running = run(server);
  await waitUntil("the second list", () => running.told.length === 6, { intervalMs: 2 });
  assert.deepEqual(running.told.slice(3), ["-c@1", "b@1→9", "+d@9"]);
});

test("an object made anew under its name is told as deleted and added", async () => {
  await using server = await startScriptedServer((request) => {
    const send = request.watch();
    send("ADDED", pod("a", 1));
    send("BOOKMARK", INITIAL_END);
    send("MODIFIED", { ...pod("a", 5), metadata: { ...pod("a", 5).metadata, uid: "another" } });
  });
  await using running = run(server);
  await waitUntil("the change", () => running.told.length === 3, { intervalMs: 2 });
  assert.deepEqual(running.told, ["+a@1", "-a@1", "+a@5"]);
});

test("a late subscriber is told of what is there, one that throws does not harm the others", async () => {
  let send: ReturnType<ScriptedRequest["watch"]> = () => {};
  await using server = await startScriptedServer((request) => {
    send = request.watch();
    send("ADDED", pod("a", 1));
    send("BOOKMARK", INITIAL_END);
  });
  await using running = run(server);
  await running.informer.synced;
  running.informer.subscribe({
    onAdd: () => {
      throw new Error("a fault");
    },
  });
  const late: string[] = [];
  const unsubscribe = running.informer.subscribe({ onAdd: (object) => late.push(object.metadata?.name ?? "") });
  send("ADDED", pod("b", 2));
  await waitUntil("b", () => late.length === 2, { intervalMs: 2 });
  unsubscribe();
  send("ADDED", pod("c", 3));
  await waitUntil("c", () => running.told.length === 3, { intervalMs: 2 });
  assert.deepEqual(late, ["a", "b"]);
});

test("a server that ends each watch at once is not asked in a tight loop", async () => {
  await using server = await startScriptedServer((request) => {
    request.watch();
    request.stream.end();
  });
  await using _running = run(server);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.ok(server.requests.length >= 2 && server.requests.length < 8, String(server.requests.length));
});

interface Running extends AsyncDisposable {
  readonly informer: Informer<Pod>;
  readonly told: string[];
}

function run(server: ScriptedServer, options: Parameters<typeof createInformer<Pod>>[2] = {}): Running {
  const client = createRestClient({ server: server.url });
  const informer = createInformer(client, PODS, options);
  const told: string[] = [];
  const text = (object: Pod): string => `${object.metadata?.name}@${object.metadata?.resourceVersion}`;
  informer.subscribe({
    onAdd: (object) => told.push(`+${text(object)}`),
    onUpdate: (old, object) => told.push(`${text(old)}→${object.metadata?.resourceVersion}`),
    onDelete: (object) => told.push(`-${text(object)}`),
  });
  const controller = new AbortController();
  const running = informer.run(controller.signal);
  return {
    informer,
    told,
    [Symbol.asyncDispose]: async () => {
      controller.abort();
      await running;
      await client[Symbol.asyncDispose]();
    },
  };
}

function pod(name: string, version: number): Pod {
  return { metadata: { name, namespace: "ns", uid: `uid-${name}`, resourceVersion: String(version) } };
}

function namesIn(informer: Informer<Pod>): readonly string[] {
  return informer.lister.list("ns").map((object) => object.metadata?.name ?? "");
}

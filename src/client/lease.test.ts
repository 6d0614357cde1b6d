import assert from "node:assert/strict";
import { test } from "node:test";
import type { Lease } from "../api/coordination-v1.gen.ts";
import { waitUntil } from "../testing/wait-until.ts";
import { createRestClient } from "./create-rest-client.ts";
import { keepLease } from "./lease.ts";
import { type ScriptedRequest, type ScriptedServer, startScriptedServer } from "./scripted-server.suite.ts";

test("a lease that is not there is made, and then renewed", async () => {
  const store = leaseStore();
  await using server = await startScriptedServer(store.serve);
  await using keeping = keep(server);
  await waitUntil("three renewals", () => keeping.renewals() >= 3, { intervalMs: 2 });
  assert.deepEqual(methodsOf(server).slice(0, 4), ["GET", "POST", "PUT", "PUT"]);
  const { holderIdentity, leaseDurationSeconds, renewTime } = store.lease?.spec ?? {};
  assert.deepEqual([holderIdentity, leaseDurationSeconds], ["n1", 40]);
  assert.match(renewTime ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  assert.deepEqual(store.lease?.metadata?.ownerReferences, [OWNER]);
});

test("a lease that is there is taken up without losing what others wrote", async () => {
  const store = leaseStore({ metadata: { name: "n1", labels: { kept: "yes" }, resourceVersion: "5" }, spec: {} });
  await using server = await startScriptedServer(store.serve);
  await using keeping = keep(server);
  await waitUntil("a renewal", () => keeping.renewals() >= 1, { intervalMs: 2 });
  assert.deepEqual([store.lease?.metadata?.labels, store.lease?.spec?.holderIdentity], [{ kept: "yes" }, "n1"]);
});

test("after a conflict, or when the lease was deleted, it is read and written again at once", async () => {
  const store = leaseStore();
  await using server = await startScriptedServer(store.serve);
  await using keeping = keep(server, 30);
  await waitUntil("the first", () => keeping.renewals() === 1, { intervalMs: 1 });
  store.change();
  await waitUntil("the second", () => keeping.renewals() === 2, { intervalMs: 1 });
  store.remove();
  await waitUntil("the third", () => keeping.renewals() === 3, { intervalMs: 1 });
  assert.deepEqual(methodsOf(server).slice(0, 8), ["GET", "POST", "PUT", "GET", "PUT", "PUT", "GET", "POST"]);
});

test("an outage is waited out", async () => {
  const store = leaseStore();
  let isOut = true;
  await using server = await startScriptedServer((request) => {
    if (isOut) request.session.destroy();
    else store.serve(request);
  });
  await using keeping = keep(server);
  await waitUntil("a try in vain", () => server.requests.length > 0, { intervalMs: 2 });
  isOut = false;
  await waitUntil("a renewal", () => keeping.renewals() >= 1, { intervalMs: 2 });
});

const OWNER = { apiVersion: "v1", kind: "Node", name: "n1", uid: "u" };

interface LeaseStore {
  readonly lease: Lease | undefined;
  readonly serve: (request: ScriptedRequest) => void;
  change(): void;
  remove(): void;
}

function leaseStore(initial?: Lease): LeaseStore {
  let lease = initial;
  let version = 10;
  const stamp = (object: Lease): Lease => ({
    ...object,
    metadata: { ...object.metadata, resourceVersion: `${++version}` },
  });
  return {
    get lease() {
      return lease;
    },
    change: () => {
      lease = stamp(lease ?? {});
    },
    remove: () => {
      lease = undefined;
    },
    serve: (request) => {
      const sent = request.body === "" ? undefined : (JSON.parse(request.body) as Lease);
      if (request.method !== "POST" && lease === undefined) request.answer(404, { kind: "Status", reason: "NotFound" });
      else if (request.method === "PUT" && sent?.metadata?.resourceVersion !== lease?.metadata?.resourceVersion)
        request.answer(409, { kind: "Status", reason: "Conflict" });
      else {
        if (sent !== undefined) lease = stamp(sent);
        request.answer(200, lease);
      }
    },
  };
}

function keep(server: ScriptedServer, renewIntervalMs = 5): AsyncDisposable & { readonly renewals: () => number } {
  const client = createRestClient({ server: server.url });
  const controller = new AbortController();
  let renewals = 0;
  const keeping = keepLease({
    client,
    namespace: "kube-node-lease",
    name: "n1",
    holderIdentity: "n1",
    durationSeconds: 40,
    renewIntervalMs,
    owner: () => OWNER,
    signal: controller.signal,
    onRenewed: () => renewals++,
  });
  return {
    renewals: () => renewals,
    [Symbol.asyncDispose]: async () => {
      controller.abort();
      await keeping;
      await client[Symbol.asyncDispose]();
    },
  };
}

function methodsOf(server: ScriptedServer): readonly string[] {
  return server.requests.map((request) => request.method);
}

import assert from "node:assert/strict";
import { constants } from "node:http2";
import { test } from "node:test";
import { LEASES, NODES, PODS } from "../api/resource-types.ts";
import { createAuthority, issueClientCertificate, issueServingCertificate } from "../pki/key-pair.ts";
import { createRestClient } from "./create-rest-client.ts";
import { type ScriptedRequest, startScriptedServer } from "./scripted-server.suite.ts";

const POD = { metadata: { name: "p", namespace: "ns" }, spec: { containers: [] } };

test("each verb sends the method, path, query and media type that Kubernetes defines", async () => {
  await using server = await startScriptedServer((request) => {
    request.answer(200, { items: [], metadata: {} });
  });
  await using client = createRestClient({ server: server.url, token: "t0k", userAgent: "test" });
  await client.get(PODS, { namespace: "ns", name: "p" });
  await client.list(PODS, { namespace: "ns", labelSelector: "a in (b,c)", limit: 5, continue: "x" });
  await client.list(NODES);
  await client.create(PODS, POD, { dryRun: true, fieldManager: "m" });
  await client.create(PODS, POD, { subresource: "binding" });
  await client.update(PODS, POD, { subresource: "status" });
  await client.patch(LEASES, { namespace: "ns", name: "l" }, { spec: {} }, { kind: "merge" });
  await client.patch(PODS, { namespace: "ns", name: "p" }, {}, { kind: "strategic", subresource: "status" });
  await client.delete(PODS, { namespace: "ns", name: "p" }, { options: { gracePeriodSeconds: 0 } });
  await client.raw("GET", "/version");
  assert.deepEqual(server.requests.map(summaryOf), [
    "GET /api/v1/namespaces/ns/pods/p undefined",
    "GET /api/v1/namespaces/ns/pods?labelSelector=a+in+%28b%2Cc%29&limit=5&continue=x undefined",
    "GET /api/v1/nodes undefined",
    "POST /api/v1/namespaces/ns/pods?fieldManager=m&dryRun=All application/json",
    "POST /api/v1/namespaces/ns/pods/p/binding application/json",
    "PUT /api/v1/namespaces/ns/pods/p/status application/json",
    "PATCH /apis/coordination.k8s.io/v1/namespaces/ns/leases/l application/merge-patch+json",
    "PATCH /api/v1/namespaces/ns/pods/p/status application/strategic-merge-patch+json",
    "DELETE /api/v1/namespaces/ns/pods/p application/json",
    "GET /version undefined",
  ]);
  const [first, , , create] = server.requests;
  assert.deepEqual([first?.headers.authorization, first?.headers["user-agent"]], ["Bearer t0k", "test"]);
  assert.deepEqual(JSON.parse(create?.body ?? ""), { ...POD, apiVersion: "v1", kind: "Pod" });
  assert.equal(new Set(server.requests.map((request) => request.session)).size, 1);
});

test("a Status answer is thrown as StatusError, any other failure by its HTTP status", async () => {
  const status = { kind: "Status", status: "Failure", message: 'pods "p" not found', reason: "NotFound", code: 404 };
  await using server = await startScriptedServer((request) => {
    if (request.url.pathname.startsWith("/api/")) request.answer(404, status);
    else request.answer(502, "<html>bad gateway</html>", { "content-type": "text/html" });
  });
  await using client = createRestClient({ server: server.url });
  const expected = { name: "StatusError", code: "NotFound", httpStatus: 404, message: 'pods "p" not found' };
  await assert.rejects(client.get(PODS, { namespace: "ns", name: "p" }), expected);
  await assert.rejects(client.raw("GET", "/version"), { name: "StatusError", httpStatus: 502, message: /bad gateway/ });
});

test("an answer that is not JSON is BAD_RESPONSE where JSON was promised, else text", async () => {
  await using server = await startScriptedServer((request) => {
    const isHealth = request.url.pathname === "/readyz";
    request.answer(200, isHealth ? "ok" : "{", isHealth ? { "content-type": "text/plain" } : {});
  });
  await using client = createRestClient({ server: server.url });
  assert.equal(await client.raw("GET", "/readyz"), "ok");
  await assert.rejects(client.raw("GET", "/version"), { name: "ClientError", code: "BAD_RESPONSE" });
});

test("items of a list carry the version and kind that only the list itself says", async () => {
  await using server = await startScriptedServer((request) => {
    request.answer(200, { metadata: {}, items: [{ metadata: { name: "a" } }] });
  });
  await using client = createRestClient({ server: server.url });
  const { items } = await client.list(LEASES);
  assert.deepEqual(items, [{ metadata: { name: "a" }, apiVersion: "coordination.k8s.io/v1", kind: "Lease" }]);
});

test("a server that is not there is UNREACHABLE, and reached when it has come", async () => {
  const first = await startScriptedServer((request) => {
    request.answer(200, {});
  });
  await using client = createRestClient({ server: first.url });
  await client.raw("GET", "/version");
  await first[Symbol.asyncDispose]();
  await assert.rejects(client.raw("GET", "/version"), { code: "UNREACHABLE", message: /ECONNREFUSED/ });
});

test("after a lost connection a read is sent again on a new one, a write is not", async () => {
  let breaksNext = false;
  await using server = await startScriptedServer((request) => {
    if (breaksNext) request.session.destroy();
    else request.answer(200, {});
    breaksNext = false;
  });
  await using client = createRestClient({ server: server.url });
  await client.raw("GET", "/version");
  breaksNext = true;
  await client.raw("GET", "/version");
  breaksNext = true;
  await assert.rejects(client.create(PODS, POD), { name: "ClientError", code: "CONNECTION_LOST" });
  assert.equal(server.requests.length, 4);
});

test("a write on a stream that the server refused is sent again, since it was never processed", async () => {
  let refusals = 0;
  await using server = await startScriptedServer((request) => {
    if (request.method === "POST" && refusals++ === 0) request.stream.close(constants.NGHTTP2_REFUSED_STREAM);
    else request.answer(200, {});
  });
  await using client = createRestClient({ server: server.url });
  await client.raw("GET", "/version");
  await client.create(PODS, POD);
  assert.equal(refusals, 2);
});

test("a server that asks to come back later is asked again after the time it names", async () => {
  const status = { kind: "Status", reason: "TooManyRequests", code: 429, message: "later" };
  await using server = await startScriptedServer((request) => {
    if (server.requests.length < 3) request.answer(429, status, { "retry-after": "0" });
    else request.answer(200, { gitVersion: "v1" });
  });
  await using client = createRestClient({ server: server.url });
  assert.deepEqual(await client.raw("GET", "/version"), { gitVersion: "v1" });
});

test("a call ends with TIMEOUT when the server is silent, and with the signal's reason when aborted", async () => {
  await using server = await startScriptedServer(() => {});
  await using client = createRestClient({ server: server.url });
  const path = client.raw("GET", "/version", undefined, { timeoutMs: 50 });
  await assert.rejects(path, { name: "ClientError", code: "TIMEOUT" });
  const reason = new Error("enough");
  const controller = new AbortController();
  const call = client.raw("GET", "/version", undefined, { signal: controller.signal });
  setTimeout(() => {
    controller.abort(reason);
  }, 20);
  await assert.rejects(call, reason);
});

test("a closed client throws CLOSED, and what was under way fails", async () => {
  await using server = await startScriptedServer(() => {});
  const client = createRestClient({ server: server.url });
  const pending = assert.rejects(client.raw("GET", "/a"), { name: "ClientError" });
  await new Promise((resolve) => setTimeout(resolve, 50));
  await client[Symbol.asyncDispose]();
  await pending;
  await assert.rejects(client.raw("GET", "/b"), { name: "ClientError", code: "CLOSED" });
});

test("a watch yields events and bookmarks until the server ends it", async () => {
  await using server = await startScriptedServer((request) => {
    const send = request.watch();
    send("ADDED", POD);
    send("BOOKMARK", { metadata: { resourceVersion: "7", annotations: { "k8s.io/initial-events-end": "true" } } });
    send("DELETED", POD);
    request.stream.end();
  });
  await using client = createRestClient({ server: server.url });
  const options = { namespace: "ns", sendInitialEvents: true, resourceVersionMatch: "NotOlderThan" } as const;
  assert.deepEqual(await Array.fromAsync(client.watch(PODS, options)), [
    { type: "ADDED", object: POD },
    { type: "BOOKMARK", resourceVersion: "7", initialEventsEnd: true },
    { type: "DELETED", object: POD },
  ]);
  const query = "resourceVersionMatch=NotOlderThan&watch=true&sendInitialEvents=true";
  assert.equal(server.requests[0]?.url.search, `?${query}`);
});

test("an error event of a watch is thrown as StatusError", async () => {
  const gone = { kind: "Status", reason: "Expired", code: 410, message: "too old resource version" };
  await using server = await startScriptedServer((request) => {
    request.watch()("ERROR", gone);
  });
  await using client = createRestClient({ server: server.url });
  await assert.rejects(Array.fromAsync(client.watch(PODS, {})), { name: "StatusError", code: "Expired" });
});

test("a watch ends without an error when aborted, and its stream is cancelled on the server", async () => {
  const closed = Promise.withResolvers<number>();
  await using server = await startScriptedServer((request) => {
    request.stream.once("close", () => {
      closed.resolve(request.stream.rstCode);
    });
    request.watch()("ADDED", POD);
  });
  await using client = createRestClient({ server: server.url });
  const controller = new AbortController();
  let events = 0;
  for await (const _event of client.watch(PODS, { signal: controller.signal })) {
    events++;
    setImmediate(() => {
      controller.abort();
    });
  }
  assert.equal(events, 1);
  assert.equal(await closed.promise, constants.NGHTTP2_CANCEL);
});

test("a watch whose reader leaves is cancelled on the server", async () => {
  const closed = Promise.withResolvers<void>();
  await using server = await startScriptedServer((request) => {
    request.stream.once("close", closed.resolve);
    request.watch()("ADDED", POD);
  });
  await using client = createRestClient({ server: server.url });
  for await (const _event of client.watch(PODS, {})) break;
  await closed.promise;
});

for (const how of ["close", "reset"] as const) {
  test(`a watch cut by a connection's ${how} throws CONNECTION_LOST`, async () => {
    await using server = await startScriptedServer((request) => {
      request.watch()("ADDED", POD);
    });
    await using client = createRestClient({ server: server.url });
    const watched = (async () => {
      for await (const _event of client.watch(PODS, {})) server.breakConnections(how);
    })();
    await assert.rejects(watched, { name: "ClientError", code: "CONNECTION_LOST" });
  });
}

test("a body cut by a lost connection throws CONNECTION_LOST", async () => {
  await using server = await startScriptedServer((request) => {
    request.stream.respond({ ":status": 200, "content-type": "application/json" });
    request.stream.write('{"items": [');
    setTimeout(() => {
      server.breakConnections();
    }, 20);
  });
  await using client = createRestClient({ server: server.url });
  await assert.rejects(client.create(PODS, POD), { name: "ClientError", code: "CONNECTION_LOST" });
});

test("over TLS the server's certificate is checked and the client's is shown", async () => {
  const authority = await createAuthority("test");
  const names = ["127.0.0.1"];
  const serving = await issueServingCertificate(authority, { commonName: "server", names });
  const { certificate: cert, key } = await issueClientCertificate(authority, { commonName: "user" });
  const ca = authority.certificate;
  const tls = {
    key: serving.key.reveal(),
    cert: serving.certificate,
    ca,
    requestCert: true,
    rejectUnauthorized: false,
  };
  await using server = await startScriptedServer((request) => {
    const socket = request.session.socket;
    request.answer(200, { authorized: Reflect.get(socket, "authorized") });
  }, tls);
  await using trusting = createRestClient({ server: server.url, ca, cert, key });
  assert.deepEqual(await trusting.raw("GET", "/"), { authorized: true });
  await using anonymous = createRestClient({ server: server.url, ca });
  assert.deepEqual(await anonymous.raw("GET", "/"), { authorized: false });
  await using wary = createRestClient({ server: server.url });
  await assert.rejects(wary.raw("GET", "/"), { code: "UNREACHABLE", message: /certificate/ });
});

function summaryOf(request: ScriptedRequest): string {
  return `${request.method} ${request.url.pathname}${request.url.search} ${request.headers["content-type"]}`;
}

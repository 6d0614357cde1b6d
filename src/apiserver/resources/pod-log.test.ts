import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { after, before, test } from "node:test";
import type { Status } from "../../api/meta-v1.gen.ts";
import type { KeyPair } from "../../pki/key-pair.ts";
import { callApi } from "../../testing/api-call.ts";
import { startTestApiServer, type TestApiServer } from "../../testing/api-server.ts";

const NS = "/api/v1/namespaces/default";

let server: TestApiServer;
let kubelet: Server;
let impostor: Server;
let seen: { readonly url: string; readonly user: string }[] = [];

// What a kubelet answers, by container.
function answer(request: IncomingMessage, response: ServerResponse): void {
  const { CN } = (request.socket as TLSSocket).getPeerCertificate().subject;
  seen.push({ url: request.url ?? "", user: String(CN) });
  if (request.url?.includes("/waiting") === true) {
    response.statusCode = 400;
    response.end('container "waiting" in pod "p" is waiting to start: ContainerCreating\n');
    return;
  }
  response.write("first\n");
  setTimeout(() => response.end("second\n"), 50);
}

async function startKubelet(pair: KeyPair): Promise<Server> {
  const tls = { cert: pair.certificate, key: pair.key.reveal(), ca: server.keys.ca.certificate };
  const listener = createServer({ ...tls, requestCert: true, rejectUnauthorized: true }, answer);
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return listener;
}

async function createNode(name: string, listener: Server): Promise<void> {
  const { port } = listener.address() as AddressInfo;
  const addresses = [{ type: "InternalIP", address: "127.0.0.1" }];
  const status = { addresses, daemonEndpoints: { kubeletEndpoint: { Port: port } } };
  await callApi(server, { method: "POST", path: "/api/v1/nodes", body: { metadata: { name }, status } });
}

async function createPod(name: string, nodeName: string, containers: readonly string[]): Promise<void> {
  const spec = { containers: containers.map((container) => ({ name: container, image: "b" })) };
  await callApi(server, { method: "POST", path: `${NS}/pods`, body: { metadata: { name }, spec } });
  if (nodeName === "") return;
  const body = { metadata: { name }, target: { name: nodeName } };
  await callApi(server, { method: "POST", path: `${NS}/pods/${name}/binding`, body });
}

before(async () => {
  server = await startTestApiServer({ nodeName: "vm" });
  kubelet = await startKubelet(server.keys.node?.serving ?? assert.fail());
  impostor = await startKubelet(server.keys.serving);
  await createNode("vm", kubelet);
  await createNode("other", impostor);
  await callApi(server, { method: "POST", path: `${NS}/serviceaccounts`, body: { metadata: { name: "default" } } });
  await createPod("p", "vm", ["main"]);
  await createPod("two", "vm", ["main", "waiting"]);
  await createPod("unscheduled", "", ["main"]);
  await createPod("elsewhere", "other", ["main"]);
});
after(async () => {
  await server[Symbol.asyncDispose]();
  kubelet.close();
  impostor.close();
});

const log = async <T = string>(pod: string, query = "") =>
  await callApi<T>(server, { path: `${NS}/pods/${pod}/log${query}` });

test("a log comes from the pod's kubelet, asked as the API server, with the client's options", async () => {
  seen = [];
  const { status, headers, body } = await log("p", "?follow=true&tailLines=5&timestamps=false&junk=1");
  assert.deepEqual([status, headers["content-type"], body], [200, "text/plain", "first\nsecond\n"]);
  const url = "/containerLogs/default/p/main?follow=true&tailLines=5";
  assert.deepEqual(seen, [{ url, user: "kube-apiserver-kubelet-client" }]);
});

test("a pod of several containers wants a name, and one that it has", async () => {
  const unnamed = await log<Status>("two");
  assert.equal(unnamed.body.message, "a container name must be specified for pod two, choose one of: [main waiting]");
  const wrong = await log<Status>("two", "?container=nosuch");
  assert.deepEqual([wrong.status, wrong.body.message], [400, "container nosuch is not valid for pod two"]);
});

test("what the kubelet refuses is told in its words", async () => {
  const { status, body } = await log<Status>("two", "?container=waiting");
  const message = 'container "waiting" in pod "p" is waiting to start: ContainerCreating';
  assert.deepEqual([status, body.reason, body.message], [400, "BadRequest", message]);
});

test("options that make no sense are refused before the kubelet is asked", async () => {
  for (const query of [
    "tailLines=-1",
    "limitBytes=0",
    "sinceSeconds=x",
    "sinceTime=yesterday",
    "sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z",
  ]) {
    const { status } = await log("p", `?${query}`);
    assert.ok(status === 400 || status === 422, `${query}: ${status}`);
  }
});

test("a pod that was not scheduled has no log", async () => {
  const { status, body } = await log<Status>("unscheduled");
  assert.deepEqual([status, body.message], [400, "pod unscheduled does not have a host assigned"]);
});

test("a server at a node's address that is not that node gets no request", async () => {
  seen = [];
  const { status, body } = await log<Status>("elsewhere");
  assert.equal(status, 500);
  assert.match(body.message ?? "", /cannot reach the kubelet of node "other"/);
  assert.deepEqual(seen, []);
});

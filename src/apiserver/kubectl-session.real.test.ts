import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { startTestApiServer, testKubeconfig, type TestApiServer } from "../testing/api-server.ts";
import { type Kubectl, KUBECTL_PATH, openKubectl } from "../testing/kubectl.ts";

let server: TestApiServer;
let kubectl: Kubectl;

before(async () => {
  server = await startTestApiServer({ nodeName: "vm" });
  kubectl = await openKubectl(server.kubeconfigPath);
  await kubectl.ok(["create", "serviceaccount", "default"]);
});
after(async () => {
  await kubectl[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

test("kubectl edit changes an object by an editor", async () => {
  await kubectl.ok(["create", "configmap", "edited", "--from-literal=key=before"]);
  const env = { ...process.env, HOME: server.directory, KUBE_EDITOR: "sed -i s/before/after/" };
  const args = ["--kubeconfig", server.kubeconfigPath, "edit", "configmap", "edited"];
  const { stdout } = await promisify(execFile)(KUBECTL_PATH, args, { env, timeout: 20_000 });
  assert.equal(stdout, "configmap/edited edited\n");
  assert.equal(await kubectl.ok(["get", "configmap", "edited", "-o", "jsonpath={.data.key}"]), "after");
});

test("kubectl auth tells who one is and what one may", async () => {
  const who = await kubectl.ok(["auth", "whoami"]);
  assert.match(who, /Username +kubernetes-admin\nGroups +\[system:masters system:authenticated\]/);
  assert.equal(await kubectl.ok(["auth", "can-i", "create", "pods"]), "yes\n");
  assert.match(await kubectl.ok(["auth", "can-i", "--list"]), /^\*\.\* +\[\] +\[\] +\[\*\]/m);
  const jane = await kubectl.run(["auth", "can-i", "list", "pods", "--as", "jane"]);
  assert.deepEqual([jane.stdout, jane.exitCode], ["no\n", 1]);
  const refused = await kubectl.run(["get", "pods", "--as", "jane"]);
  assert.match(refused.stderr, /User "jane" cannot list resource "pods"/);
});

test("kubectl auth can-i answers a node by the node authorizer", async () => {
  const path = join(server.directory, "node-kubeconfig");
  const { node } = server.keys;
  assert.ok(node);
  await writeFile(path, testKubeconfig(server.url, server.keys, node.client));
  await using asNode = await openKubectl(path);
  assert.equal((await asNode.run(["auth", "can-i", "get", "secrets"])).stdout, "no\n");
  assert.equal((await asNode.run(["auth", "can-i", "list", "nodes"])).stdout, "yes\n");
});

test("kubectl cluster-info, get all and api-resources know what is served", async () => {
  assert.match(
    await kubectl.ok(["cluster-info"]),
    /Kubernetes control plane.* is running at .*https:\/\/127\.0\.0\.1:\d+/,
  );
  assert.match(await kubectl.ok(["get", "all"]), /service\/kubernetes +ClusterIP +10\.0\.0\.1 +<none> +443\/TCP/);
  const resources = await kubectl.ok(["api-resources", "--no-headers"]);
  const kinds = resources.split("\n").map((line) => line.split(/ +/).at(-1));
  for (const kind of ["Event", "Pod", "SelfSubjectAccessReview", "Service"]) assert.ok(kinds.includes(kind), kind);
});

test("kubectl events finds what happened to an object, in either group", async () => {
  const involvedObject = { apiVersion: "v1", kind: "Pod", namespace: "default", name: "x" };
  const times = { firstTimestamp: "2026-01-02T03:04:05Z", lastTimestamp: "2026-01-02T03:04:05Z", count: 1 };
  const about = { involvedObject, reason: "Because", message: "it is so", type: "Warning", ...times };
  await kubectl.create({ apiVersion: "v1", kind: "Event", metadata: { name: "e", namespace: "default" }, ...about });
  // kubectl looks the pod up to know its kind.
  const spec = { containers: [{ name: "c", image: "b" }] };
  await kubectl.create({ apiVersion: "v1", kind: "Pod", metadata: { name: "x" }, spec });
  assert.match(await kubectl.ok(["events", "--for", "pod/x"]), /Warning +Because +Pod\/x +it is so/);
  assert.match(await kubectl.ok(["get", "events.events.k8s.io"]), /Warning +Because +pod\/x +it is so/);
});

test("kubectl expose and create service make services, and are told that nothing routes them", async () => {
  const { stderr } = await kubectl.run(["create", "service", "clusterip", "web", "--tcp=80:8080"]);
  assert.match(stderr, /Warning: services are kept but not routed yet/);
  assert.match(
    await kubectl.ok(["get", "svc", "web", "-o", "wide"]),
    /web +ClusterIP +10\.0\.0\.\d+ +<none> +80\/TCP +\S+ +app=web/,
  );
  assert.match(await kubectl.ok(["get", "services", "--field-selector", "spec.clusterIP!=None"]), /^kubernetes /m);
  assert.match(await kubectl.ok(["describe", "service", "web"]), /TargetPort: +8080\/TCP/);
});

test("kubectl delete --cascade=orphan says that it is not honoured", async () => {
  await kubectl.ok(["create", "configmap", "orphaned"]);
  const { stderr } = await kubectl.run(["delete", "configmap", "orphaned", "--cascade=orphan"]);
  assert.match(stderr, /Warning: propagationPolicy Orphan is not honoured/);
});

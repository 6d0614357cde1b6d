import assert from "node:assert/strict";
import { test } from "node:test";
import type { Namespace, Node, Pod } from "../api/core-v1.gen.ts";
import { CONFIG_MAPS, EVENTS, NAMESPACES, NODES, PODS, SECRETS, SERVICE_ACCOUNTS } from "../api/resource-types.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import type { RestClient } from "../client/rest-client.ts";
import { isNotFound } from "../client/status-answer.ts";
import { timestamp } from "../client/timestamp.ts";
import { openKubectl } from "../testing/kubectl.ts";
import { waitUntil } from "../testing/wait-until.ts";
import { addNode, addPod, startControlPlane } from "./control-plane.suite.ts";

const QUICKLY = { intervalMs: 5, timeoutMs: 10_000 } as const;

test("every namespace has a default service account and the root certificate, also a new one and after their deletion", async () => {
  await using plane = await startControlPlane();
  const { client } = plane;
  await client.create(NAMESPACES, { metadata: { name: "new" } });
  for (const namespace of ["default", "kube-system", "kube-public", "new"]) {
    await waitUntil(
      `account in ${namespace}`,
      () => client.get(SERVICE_ACCOUNTS, { namespace, name: "default" }),
      QUICKLY,
    );
    const name = "kube-root-ca.crt";
    const map = await waitUntil(`CA in ${namespace}`, () => client.get(CONFIG_MAPS, { namespace, name }), QUICKLY);
    assert.match(map.data?.["ca.crt"] ?? "", /^-----BEGIN CERTIFICATE-----/);
  }
  const target = { namespace: "new", name: "default" };
  const before = await client.get(SERVICE_ACCOUNTS, target);
  await client.delete(SERVICE_ACCOUNTS, target);
  const after = await waitUntil("the account again", () => client.get(SERVICE_ACCOUNTS, target), QUICKLY);
  assert.notEqual(after.metadata?.uid, before.metadata?.uid);
});

test("a root certificate that somebody changed is put right", async () => {
  await using plane = await startControlPlane();
  const target = { namespace: "default", name: "kube-root-ca.crt" };
  await waitUntil("the map", () => plane.client.get(CONFIG_MAPS, target), QUICKLY);
  await plane.client.patch(CONFIG_MAPS, target, { data: { "ca.crt": "false" } }, { kind: "merge" });
  await waitUntil(
    "the right certificate",
    async () => (await plane.client.get(CONFIG_MAPS, target)).data?.["ca.crt"] !== "false",
    QUICKLY,
  );
});

test("a pod may be made right after its namespace", async () => {
  await using plane = await startControlPlane();
  await using kubectl = await openKubectl(plane.kubeconfigPath);
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "fresh" } };
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", namespace: "fresh" },
    spec: { containers: [{ name: "c", image: "busybox" }] },
  };
  await kubectl.create([namespace, pod].map((manifest) => JSON.stringify(manifest)).join("\n---\n"));
  assert.match(await kubectl.ok(["get", "pods", "-n", "fresh"]), /^p +0\/1 +Pending/m);
});

test("kubectl delete namespace removes all that is in it, and returns when it is gone", async () => {
  await using plane = await startControlPlane({ scheduler: false });
  await using kubectl = await openKubectl(plane.kubeconfigPath);
  await kubectl.ok(["create", "namespace", "doomed"]);
  await kubectl.ok(["create", "secret", "generic", "s", "-n", "doomed", "--from-literal=a=b"]);
  await kubectl.ok(["create", "configmap", "m", "-n", "doomed", "--from-literal=a=b"]);
  await kubectl.ok(["run", "p", "-n", "doomed", "--image=busybox"]);
  assert.equal(await kubectl.ok(["delete", "namespace", "doomed", "--timeout=20s"]), 'namespace "doomed" deleted\n');
  const left = [PODS, SECRETS, CONFIG_MAPS, SERVICE_ACCOUNTS].map(async (type) => {
    return (await plane.client.list<object>(type, { namespace: "doomed" })).items.length;
  });
  assert.deepEqual(await Promise.all(left), [0, 0, 0, 0]);
  const after = await kubectl.run(["get", "namespace", "doomed"]);
  assert.match(after.stderr, /namespaces "doomed" not found/);
});

test("a namespace waits for its pods' grace, keeps what protects them meanwhile, and says what is left", async () => {
  await using plane = await startControlPlane({ scheduler: false });
  const { client } = plane;
  await client.create(NAMESPACES, { metadata: { name: "slow" } });
  const key = { namespace: "slow", name: "p" };
  const spec = { containers: [{ name: "c", image: "i" }], nodeName: "n1" };
  await waitUntil("the account", () => client.get(SERVICE_ACCOUNTS, { namespace: "slow", name: "default" }), QUICKLY);
  await client.create(PODS, { metadata: key, spec });
  await client.create(SECRETS, { metadata: { namespace: "slow", name: "s" } });
  await client.delete(NAMESPACES, { name: "slow" });
  const terminating = await waitUntil(
    "conditions",
    async () => {
      const namespace = await client.get(NAMESPACES, { name: "slow" });
      return conditionOf(namespace, "NamespaceContentRemaining") !== undefined && namespace;
    },
    QUICKLY,
  );
  assert.equal(terminating.status?.phase, "Terminating");
  assert.deepEqual(conditionOf(terminating, "NamespaceContentRemaining"), [
    "True",
    "SomeResourcesRemain",
    "Some resources are remaining: pods. has 1 resource instances",
  ]);
  await client.get(SECRETS, { namespace: "slow", name: "s" });
  // As a kubelet confirms that all of the pod is gone.
  await client.delete(PODS, key, { options: { gracePeriodSeconds: 0 } });
  await waitUntil("gone", () => isGone(client.get(NAMESPACES, { name: "slow" })), QUICKLY);
});

test("a namespace names the finalizers that hold it, and goes when they are gone", async () => {
  await using plane = await startControlPlane({ scheduler: false });
  const { client } = plane;
  await client.create(NAMESPACES, { metadata: { name: "held" } });
  const key = { namespace: "held", name: "m" };
  await client.create(CONFIG_MAPS, { metadata: { ...key, finalizers: ["example.com/hold"] } });
  await client.delete(NAMESPACES, { name: "held" });
  const condition = await waitUntil(
    "the finalizer named",
    async () => conditionOf(await client.get(NAMESPACES, { name: "held" }), "NamespaceFinalizersRemaining"),
    QUICKLY,
  );
  const message = "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances";
  assert.deepEqual(condition, ["True", "SomeFinalizersRemain", message]);
  await client.patch(CONFIG_MAPS, key, { metadata: { finalizers: null } }, { kind: "merge" });
  await waitUntil("gone", () => isGone(client.get(NAMESPACES, { name: "held" })), QUICKLY);
});

test("a node whose lease is no longer renewed becomes unknown, its pods not ready, and it is tainted until it reports again", async () => {
  const { clock, advance } = leaping();
  await using plane = await startControlPlane({ scheduler: false, clock });
  const { client } = plane;
  await addNode(client, "n1");
  await addPod(client, "p", { nodeName: "n1" });
  const ready = { type: "Ready", status: "True" };
  const pod = { namespace: "default", name: "p" };
  const status = { kind: "strategic", subresource: "status" } as const;
  await client.patch(PODS, pod, { status: { conditions: [ready] } }, status);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(readyOf(await client.get(NODES, { name: "n1" })), "True");
  advance(41_000);
  const node = await waitUntil(
    "tainted as unreachable",
    async () => {
      const found = await client.get(NODES, { name: "n1" });
      return taintsOf(found).length === 2 && found;
    },
    QUICKLY,
  );
  assert.deepEqual(taintsOf(node), [
    "node.kubernetes.io/unreachable:NoSchedule",
    "node.kubernetes.io/unreachable:NoExecute",
  ]);
  const condition = node.status?.conditions?.find(({ type }) => type === "Ready");
  assert.deepEqual(
    [condition?.status, condition?.reason, condition?.message],
    ["Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."],
  );
  await waitUntil("pod not ready", async () => readyOf(await client.get(PODS, pod)) === "False", QUICKLY);
  const { items } = await client.list(EVENTS, { fieldSelector: "involvedObject.kind=Node" });
  assert.deepEqual(
    items.map((event) => [event.reason, event.message]),
    [["NodeNotReady", "Node n1 status is now: NodeNotReady"]],
  );
  const report = { ...ready, reason: "KubeletReady", lastHeartbeatTime: timestamp(clock.now()) };
  await client.patch(NODES, { name: "n1" }, { status: { conditions: [report] } }, status);
  await waitUntil("no taints", async () => taintsOf(await client.get(NODES, { name: "n1" })).length === 0, QUICKLY);
});

test("pods of a node that is gone are removed, after a while", async () => {
  const { clock, advance } = leaping();
  await using plane = await startControlPlane({ scheduler: false, clock });
  const { client } = plane;
  await addNode(client, "n1");
  for (const [name, nodeName] of [
    ["stays", "n1"],
    ["orphan", "gone"],
  ] as const)
    await addPod(client, name, { nodeName });
  advance(20_000);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await client.get(PODS, { namespace: "default", name: "orphan" });
  for (let i = 0; i < 3; i++) {
    advance(20_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await waitUntil("orphan gone", () => isGone(client.get(PODS, { namespace: "default", name: "orphan" })), QUICKLY);
  await client.get(PODS, { namespace: "default", name: "stays" });
});

function conditionOf(namespace: Namespace, type: string): readonly unknown[] | undefined {
  const condition = namespace.status?.conditions?.find((each) => each.type === type);
  return condition && [condition.status, condition.reason, condition.message];
}

function readyOf(object: Node | Pod): string | undefined {
  return object.status?.conditions?.find(({ type }) => type === "Ready")?.status;
}

function taintsOf(node: Node): readonly string[] {
  return (node.spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`);
}

async function isGone(call: ReturnType<RestClient["get"]>): Promise<boolean> {
  try {
    await call;
    return false;
  } catch (error) {
    if (isNotFound(error)) return true;
    throw error;
  }
}

/** A clock that goes as the machine's, and leaps when told to. */
function leaping(): { readonly clock: Clock; readonly advance: (ms: number) => void } {
  let ahead = 0;
  const sleepers = new Set<{ readonly dueAt: number; readonly wake: AbortController }>();
  const monotonic = (): number => systemClock.monotonic() + ahead;
  return {
    advance: (ms) => {
      ahead += ms;
      for (const { dueAt, wake } of sleepers) if (dueAt <= monotonic()) wake.abort();
    },
    clock: {
      now: () => systemClock.now() + ahead,
      monotonic,
      sleep: async (ms, signal) => {
        const sleeper = { dueAt: monotonic() + ms, wake: new AbortController() };
        sleepers.add(sleeper);
        const either = signal === undefined ? sleeper.wake.signal : AbortSignal.any([signal, sleeper.wake.signal]);
        try {
          await systemClock.sleep(ms, either);
        } catch (error) {
          signal?.throwIfAborted();
          if (!sleeper.wake.signal.aborted) throw error;
        } finally {
          sleepers.delete(sleeper);
        }
      },
    },
  };
}

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { array, assert as check, constantFrom, property, record, uniqueArray } from "fast-check";
import { applyJsonPatch } from "./json-patch.ts";
import { applyMergePatch } from "./merge-patch.ts";
import { applyStrategicMergePatch } from "./strategic-merge-patch.ts";

const kubectl = fileURLToPath(new URL("../../.cache/kubectl/kubectl", import.meta.url));
const skip = existsSync(kubectl) ? false : "the pinned kubectl is not unpacked";

/** What kubectl makes of a patch without a server; undefined where it refuses. */
function kubectlPatch(type: string, object: object, patch: unknown): unknown {
  const directory = mkdtempSync(join(tmpdir(), "berth-patch-"));
  try {
    const file = join(directory, "object.json");
    writeFileSync(file, JSON.stringify(object));
    const options = [`--type=${type}`, "-p", JSON.stringify(patch), "-o", "json", "--kubeconfig=/dev/null"];
    const { stdout, status } = spawnSync(kubectl, ["patch", "--local", "-f", file, ...options], { encoding: "utf8" });
    return status === 0 ? (JSON.parse(stdout) as unknown) : undefined;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function ours(apply: () => unknown): unknown {
  try {
    return apply();
  } catch (error) {
    assert.match(String((error as { code?: string }).code), /^(BadRequest|Invalid)$/, String(error));
    return undefined;
  }
}

const POD = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", namespace: "default", labels: { a: "1", b: "2" }, finalizers: ["x/a", "x/b", "x/c"] },
  spec: {
    containers: [
      {
        name: "a",
        image: "i",
        args: ["1", "2"],
        env: [
          { name: "A", value: "1" },
          { name: "B", value: "2" },
        ],
        ports: [{ containerPort: 80 }, { containerPort: 81, name: "m" }],
      },
      { name: "b", image: "j" },
      { name: "c", image: "k" },
    ],
    volumes: [{ name: "v", emptyDir: {} }],
    tolerations: [{ key: "t" }],
    nodeSelector: { d: "ssd" },
  },
};

const STRATEGIC_PATCHES: Record<string, unknown> = {
  "an element merges by its key": { spec: { containers: [{ name: "b", image: "new" }] } },
  "a new element goes to the end": { spec: { containers: [{ name: "z", image: "z", env: null, command: [] }] } },
  "an element is deleted": { spec: { containers: [{ name: "a", $patch: "delete" }] } },
  "a list is replaced": { spec: { containers: [{ $patch: "replace" }, { name: "q", image: "q" }] } },
  "an object is replaced": { metadata: { labels: { $patch: "replace", c: "3" } } },
  "an object is emptied": { spec: { nodeSelector: { $patch: "delete" } } },
  "a null deletes": { metadata: { labels: { a: null, zz: null } }, spec: { tolerations: null } },
  "a list without strategy is replaced": {
    spec: { tolerations: [{ key: "u" }], containers: [{ name: "a", args: [] }] },
  },
  "primitives merge as a set": { metadata: { finalizers: ["x/d", "x/a"] } },
  "primitives are deleted": { metadata: { "$deleteFromPrimitiveList/finalizers": ["x/b"] } },
  "the order of elements is set": {
    spec: { "$setElementOrder/containers": [{ name: "c" }, { name: "a" }], containers: [{ name: "c", image: "new" }] },
  },
  "the order of primitives is set": {
    metadata: { "$setElementOrder/finalizers": ["x/c", "x/e", "x/a"], finalizers: ["x/e"] },
  },
  "keys are retained": {
    spec: { volumes: [{ $retainKeys: ["name", "hostPath"], name: "v", hostPath: { path: "/" } }] },
  },
  "a numeric key": {
    spec: { containers: [{ name: "a", ports: [{ containerPort: 81, protocol: "UDP" }, { containerPort: 9 }] }] },
  },
  "directives in what is new": {
    spec: {
      affinity: { $patch: "replace", nodeAffinity: { x: 1 } },
      initContainers: [{ name: "i", $patch: "delete" }],
    },
  },
  "nulls in what is new": { spec: { dnsConfig: { options: [{ name: "o", value: null }], searches: null } } },
  "an element without its key": { spec: { containers: [{ image: "x" }] } },
  "an unknown directive": { spec: { containers: [{ name: "a", $patch: "explode" }] } },
  "what kubectl apply sends": {
    metadata: { annotations: { "kubectl.kubernetes.io/last-applied-configuration": "{}" } },
    spec: {
      "$setElementOrder/containers": [{ name: "a" }, { name: "b" }, { name: "c" }],
      containers: [
        {
          name: "a",
          "$setElementOrder/env": [{ name: "B" }, { name: "C" }],
          env: [
            { name: "C", value: "3" },
            { name: "A", $patch: "delete" },
          ],
        },
      ],
    },
  },
  "a type that changes": { spec: { containers: [{ name: "a", args: "text" }], nodeSelector: "none" } },
};

for (const [name, patch] of Object.entries(STRATEGIC_PATCHES)) {
  test(`strategic merge patch as kubectl does it: ${name}`, { skip }, () => {
    const before = structuredClone(POD);
    assert.deepEqual(
      ours(() => applyStrategicMergePatch(POD, patch, "core-v1/Pod")),
      kubectlPatch("strategic", POD, patch),
    );
    assert.deepEqual(POD, before);
  });
}

test("strategic merge patches of containers are as kubectl makes them", { skip }, () => {
  const name = constantFrom("a", "b", "c", "d");
  const env = uniqueArray(record({ name, value: constantFrom("1", "2") }), {
    selector: (element) => element.name,
    maxLength: 3,
  });
  const containers = uniqueArray(record({ name, image: constantFrom("i", "j"), env }, { requiredKeys: ["name"] }), {
    selector: (element) => element.name,
    // kubectl refuses to merge two empty lists; no server does.
    minLength: 1,
    maxLength: 4,
  });
  const patched = uniqueArray(
    record({ name, image: constantFrom("k", null), env, $patch: constantFrom("delete") }, { requiredKeys: ["name"] }),
    { selector: (element) => element.name, maxLength: 3 },
  );
  const order = uniqueArray(name, { maxLength: 4 });
  check(
    property(
      containers,
      patched,
      order,
      array(constantFrom("order"), { maxLength: 1 }),
      (before, change, names, ordered) => {
        const pod = { ...POD, spec: { containers: before } };
        const wanted = [...new Set([...change.map((element) => element.name), ...names])].map((key) => ({ name: key }));
        const patch = {
          spec: { containers: change, ...(ordered.length === 0 ? {} : { "$setElementOrder/containers": wanted }) },
        };
        // Where an ordered patch deletes, kubectl sorts by a list it has overwritten meanwhile: only the content counts.
        const deletes = ordered.length > 0 && change.some((element) => "$patch" in element);
        const comparable = (result: unknown): unknown => (deletes ? containersByName(result) : result);
        assert.deepEqual(
          comparable(ours(() => applyStrategicMergePatch(pod, patch, "core-v1/Pod"))),
          comparable(kubectlPatch("strategic", pod, patch)),
          JSON.stringify(patch),
        );
      },
    ),
    { numRuns: Number(process.env["BERTH_FUZZ_RUNS"] ?? 25) },
  );
});

function containersByName(pod: unknown): unknown {
  const { containers } = (pod as { spec: { containers: { name: string }[] } }).spec;
  return containers.toSorted((a, b) => a.name.localeCompare(b.name));
}

test("merge patches are as kubectl makes them", { skip }, () => {
  for (const patch of [
    { metadata: { labels: { a: null, n: "x" } } },
    { spec: { containers: [{ name: "q" }], nodeSelector: null, deep: { a: null, b: { c: null } } } },
  ]) {
    assert.deepEqual(applyMergePatch(POD, patch), kubectlPatch("merge", POD, patch));
  }
});

test("a merge patch follows RFC 7386", () => {
  assert.deepEqual(applyMergePatch({ a: { b: 1 } }, { a: { c: { d: null } }, e: [null] }), {
    a: { b: 1, c: {} },
    e: [null],
  });
  assert.deepEqual(applyMergePatch([1], { a: 1 }), { a: 1 });
  assert.equal(applyMergePatch({}, null), null);
});

test("JSON patches are as kubectl makes them", { skip }, () => {
  for (const patch of [
    [{ op: "add", path: "/metadata/labels/c~1d", value: "1" }],
    [
      { op: "remove", path: "/spec/containers/1" },
      { op: "replace", path: "/spec/containers/0/image", value: "n" },
    ],
    [
      { op: "copy", from: "/spec/nodeSelector", path: "/metadata/annotations" },
      { op: "move", from: "/spec/volumes", path: "/spec/w" },
    ],
    [{ op: "test", path: "/spec/nodeSelector/d", value: "hdd" }],
    [{ op: "remove", path: "/spec/nothing" }],
    [{ op: "add", path: "/spec/containers/-", value: { name: "z" } }],
    [{ op: "add", path: "/spec/containers/9", value: { name: "z" } }],
    [{ op: "explode", path: "/spec" }],
  ]) {
    assert.deepEqual(
      ours(() => applyJsonPatch(POD, patch)),
      kubectlPatch("json", POD, patch),
      JSON.stringify(patch),
    );
  }
});

test("a JSON patch that is too much is refused", () => {
  const many = Array.from({ length: 10_001 }, () => ({ op: "test", path: "/a", value: 1 }));
  assert.throws(() => applyJsonPatch({ a: 1 }, many), { code: "RequestEntityTooLarge" });
  const doubling = Array.from({ length: 100 }, (_, index) => ({ op: "copy", from: "/a", path: `/a/x${index}` }));
  assert.throws(() => applyJsonPatch({ a: {} }, doubling), { code: "RequestEntityTooLarge" });
});

test("a JSON patch cannot reach the prototype", () => {
  ours(() => applyJsonPatch({ a: {} }, [{ op: "add", path: "/__proto__/polluted", value: 1 }]));
  ours(() => applyJsonPatch({ a: {} }, [{ op: "add", path: "/a/constructor/prototype/polluted", value: 1 }]));
  assert.equal(Reflect.get({}, "polluted"), undefined);
});

test("huge lists merge in time that grows with their length", () => {
  const containers = Array.from({ length: 20_000 }, (_, index) => ({ name: `c${index}`, image: "i" }));
  const patch = { spec: { containers: containers.map(({ name }) => ({ name, image: "j" })) } };
  const start = performance.now();
  applyStrategicMergePatch({ spec: { containers } }, patch, "core-v1/Pod");
  assert.ok(performance.now() - start < 2000);
});

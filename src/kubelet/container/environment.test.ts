import assert from "node:assert/strict";
import { test } from "node:test";

import type { Container } from "../../api/core-v1.gen.ts";
import { nodePodOf } from "../node-pod.ts";
import { type Environment, makeEnvironment } from "./environment.ts";
import type { ObjectReader } from "./object-reader.ts";

const OBJECTS: ObjectReader = {
  configMap: (_, name) =>
    Promise.resolve(name === "settings" ? { data: { a: "from map", b: "map b", "bad=name": "x" } } : undefined),
  secret: (_, name) =>
    Promise.resolve(name === "keys" ? { data: { token: Buffer.from("hidden").toString("base64") } } : undefined),
};

const POD = nodePodOf({
  metadata: { uid: "u1", namespace: "shop", name: "web", labels: { app: "front" }, annotations: {} },
  spec: { containers: [], nodeName: "node-1", serviceAccountName: "seller" },
});

function environment(fields: Partial<Container>): Promise<Environment> {
  return makeEnvironment({
    pod: POD,
    container: { name: "main", ...fields },
    around: { hostIps: ["192.168.0.1"], podIps: ["10.0.0.2", "fd00::2"], allocatable: { cpu: "4", memory: "8Gi" } },
    objects: OBJECTS,
  });
}

async function variables(fields: Partial<Container>): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries((await environment(fields)).variables);
}

test("envFrom comes first, later sources and env win, and references see what came before", async () => {
  assert.deepEqual(
    await variables({
      envFrom: [{ configMapRef: { name: "settings" } }, { prefix: "S_", secretRef: { name: "keys" } }],
      env: [
        { name: "a", value: "own" },
        { name: "c", value: "$(a) $(S_token) $(d) $$(a)" },
        { name: "d", value: "late" },
      ],
    }),
    { a: "own", b: "map b", S_token: "hidden", c: "own hidden $(d) $(a)", d: "late" },
  );
});

test("keys that are no variable names are left out and named", async () => {
  const { skipped } = await environment({ envFrom: [{ configMapRef: { name: "settings" } }] });
  assert.deepEqual(skipped, [{ source: "configMap shop/settings", keys: ["bad=name"] }]);
});

test("values come from keys, pod fields and resources", async () => {
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const resource = (name: string, of: string, divisor?: string) => ({
    name,
    valueFrom: { resourceFieldRef: { resource: of, divisor } },
  });
  assert.deepEqual(
    await variables({
      resources: { limits: { cpu: "1500m" }, requests: { memory: "10Mi" } },
      env: [
        { name: "MAP", valueFrom: { configMapKeyRef: { name: "settings", key: "b" } } },
        { name: "SECRET", value: "", valueFrom: { secretKeyRef: { name: "keys", key: "token" } } },
        field("NAME", "metadata.name"),
        field("LABEL", "metadata.labels['app']"),
        field("ACCOUNT", "spec.serviceAccountName"),
        field("HOST", "status.hostIP"),
        field("IPS", "status.podIPs"),
        resource("CPU", "limits.cpu"),
        resource("MILLI", "limits.cpu", "1m"),
        resource("MEMORY", "limits.memory", "1Gi"),
        resource("ASKED", "requests.memory", "1Mi"),
      ],
    }),
    {
      MAP: "map b",
      SECRET: "hidden",
      NAME: "web",
      LABEL: "front",
      ACCOUNT: "seller",
      HOST: "192.168.0.1",
      IPS: "10.0.0.2,fd00::2",
      CPU: "2",
      MILLI: "1500",
      MEMORY: "8",
      ASKED: "10",
    },
  );
});

test("what is absent and optional leaves the variable unset", async () => {
  assert.deepEqual(
    await variables({
      envFrom: [{ configMapRef: { name: "absent", optional: true } }],
      env: [
        { name: "A", valueFrom: { configMapKeyRef: { name: "absent", key: "a", optional: true } } },
        { name: "B", valueFrom: { secretKeyRef: { name: "keys", key: "absent", optional: true } } },
      ],
    }),
    {},
  );
});

test("what is absent and needed is told in Kubernetes' words", async () => {
  const from = (valueFrom: object) => ({ env: [{ name: "A", valueFrom }] });
  const cases: readonly (readonly [fields: Partial<Container>, message: string])[] = [
    [from({ secretKeyRef: { name: "absent", key: "k" } }), 'secret "absent" not found'],
    [from({ configMapKeyRef: { name: "absent", key: "k" } }), 'configmap "absent" not found'],
    [from({ secretKeyRef: { name: "keys", key: "k" } }), "couldn't find key k in Secret shop/keys"],
    [from({ configMapKeyRef: { name: "settings", key: "k" } }), "couldn't find key k in ConfigMap shop/settings"],
    [from({ fieldRef: { fieldPath: "spec.secrets" } }), "unsupported fieldPath: spec.secrets"],
    [{ envFrom: [{ secretRef: { name: "absent" } }] }, 'secret "absent" not found'],
  ];
  for (const [fields, message] of cases) {
    await assert.rejects(environment(fields), {
      name: "ContainerStartError",
      code: "CreateContainerConfigError",
      message,
    });
  }
});

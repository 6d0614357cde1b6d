import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod, Secret } from "../core-v1.gen.ts";
import { applyDefaults } from "./apply-defaults.ts";
import { defaultPullPolicy } from "./pull-policy.ts";

test("the pull policy follows the tag, also beside a digest", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  const cases: Record<string, string> = {
    app: "Always",
    "app:latest": "Always",
    "reg:5000/app": "Always",
    "app:1.2": "IfNotPresent",
    [`app@${digest}`]: "IfNotPresent",
    [`app:latest@${digest}`]: "Always",
    "app:Not Parsable": "IfNotPresent",
    "": "IfNotPresent",
  };
  assert.deepEqual(Object.fromEntries(Object.keys(cases).map((image) => [image, defaultPullPolicy(image)])), cases);
});

test("a pod gets every default Kubernetes gives it", () => {
  const pod: Pod = {
    metadata: { name: "p" },
    spec: {
      serviceAccountName: "sa",
      hostNetwork: true,
      containers: [
        {
          name: "a",
          image: "busybox",
          ports: [{ containerPort: 80 }],
          env: [{ name: "N", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
          livenessProbe: { httpGet: { port: 80 } },
          lifecycle: { preStop: { httpGet: { port: 80, path: "/x" } } },
          resources: { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m" } },
        },
      ],
      volumes: [
        { name: "e" },
        { name: "s", secret: { secretName: "s" } },
        { name: "i", image: { reference: "x:1" } },
        { name: "p", projected: { sources: [{ serviceAccountToken: { path: "t" } }] } },
      ],
    },
  };
  const expected: Pod = {
    metadata: { name: "p" },
    spec: {
      serviceAccountName: "sa",
      serviceAccount: "sa",
      hostNetwork: true,
      containers: [
        {
          name: "a",
          image: "busybox",
          imagePullPolicy: "Always",
          terminationMessagePath: "/dev/termination-log",
          terminationMessagePolicy: "File",
          ports: [{ containerPort: 80, protocol: "TCP", hostPort: 80 }],
          env: [{ name: "N", valueFrom: { fieldRef: { fieldPath: "metadata.name", apiVersion: "v1" } } }],
          livenessProbe: {
            httpGet: { port: 80, path: "/", scheme: "HTTP" },
            timeoutSeconds: 1,
            periodSeconds: 10,
            successThreshold: 1,
            failureThreshold: 3,
          },
          lifecycle: { preStop: { httpGet: { port: 80, path: "/x", scheme: "HTTP" } } },
          resources: { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m", memory: "1Gi" } },
        },
      ],
      volumes: [
        { name: "e", emptyDir: {} },
        { name: "s", secret: { secretName: "s", defaultMode: 420 } },
        { name: "i", image: { reference: "x:1", pullPolicy: "IfNotPresent" } },
        {
          name: "p",
          projected: { defaultMode: 420, sources: [{ serviceAccountToken: { path: "t", expirationSeconds: 3600 } }] },
        },
      ],
      restartPolicy: "Always",
      dnsPolicy: "ClusterFirst",
      terminationGracePeriodSeconds: 30,
      securityContext: {},
      schedulerName: "default-scheduler",
      enableServiceLinks: true,
    },
  };
  assert.deepEqual(applyDefaults("Pod", pod), expected);
  assert.deepEqual(applyDefaults("Pod", structuredClone(expected)), expected);
});

test("a secret's stringData ends in data", () => {
  const secret: Secret = { data: { a: "YQ==", b: "Yg==" }, stringData: { b: "c", d: "e" } };
  assert.deepEqual(applyDefaults("Secret", secret), { type: "Opaque", data: { a: "YQ==", b: "Yw==", d: "ZQ==" } });
});

test("a namespace gets its label and phase", () => {
  assert.deepEqual(applyDefaults("Namespace", { metadata: { name: "n", labels: { a: "b" } } }), {
    metadata: { name: "n", labels: { a: "b", "kubernetes.io/metadata.name": "n" } },
    status: { phase: "Active" },
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod, PodSpec, Secret } from "../core-v1.gen.ts";
import { applyDefaults } from "../defaults/apply-defaults.ts";
import { fieldErrorText } from "../field-error.ts";
import { invalidStatus } from "../status.ts";
import { decodeValue } from "../strict-decoding.ts";
import { validateCreate, validateUpdate } from "./validate.ts";

function pod(spec: object): Pod {
  const value = {
    metadata: { name: "p", namespace: "default" },
    spec: { containers: [{ name: "a", image: "i" }], ...spec },
  };
  return applyDefaults("Pod", decodeValue<Pod>(value, { apiVersion: "v1", kind: "Pod" }).object);
}

function faults(kind: string, object: object): string[] {
  return validateCreate(kind, object).map(fieldErrorText);
}

test("a plain pod is valid", () => {
  assert.deepEqual(faults("Pod", pod({ volumes: [{ name: "v" }], tolerations: [{ operator: "Exists" }] })), []);
});

const container = (fields: object): object => ({ containers: [{ name: "a", image: "i", ...fields }] });

const POD_FAULTS: readonly (readonly [spec: object, ...faults: string[]])[] = [
  [{ containers: [] }, "spec.containers: Required value"],
  [
    { containers: [{}, { name: "A_b", image: " x" }] },
    "spec.containers[0].name: Required value",
    "spec.containers[0].image: Required value",
    `spec.containers[1].name: Invalid value: "A_b": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`,
    'spec.containers[1].image: Invalid value: " x": must not have leading or trailing whitespace',
  ],
  [
    { initContainers: [{ name: "a", image: "i", livenessProbe: { exec: { command: ["x"] } } }] },
    'spec.initContainers[0].name: Duplicate value: "a"',
    "spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always",
  ],
  [
    container({ imagePullPolicy: "Sometimes" }),
    'spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"',
  ],
  [
    container({
      ports: [
        { containerPort: 70_000, name: "http" },
        { name: "http", protocol: "X" },
      ],
    }),
    "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
    'spec.containers[0].ports[1].name: Duplicate value: "http"',
    "spec.containers[0].ports[1].containerPort: Required value",
    'spec.containers[0].ports[1].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"',
  ],
  [
    container({
      env: [
        { name: "A=B" },
        { name: "C", value: "x", valueFrom: { fieldRef: { fieldPath: "status.ip" } } },
        { name: "D", valueFrom: {} },
      ],
    }),
    `spec.containers[0].env[0].name: Invalid value: "A=B": a valid environment variable name must consist only of printable ASCII characters other than '='`,
    'spec.containers[0].env[1].valueFrom.fieldRef.fieldPath: Invalid value: "status.ip": error converting fieldPath: field label not supported: status.ip',
    'spec.containers[0].env[1].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
    'spec.containers[0].env[2].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `fileKeyRef` or `secretKeyRef`',
  ],
  [
    container({
      volumeMounts: [
        { name: "none", mountPath: "/a", subPath: "../x" },
        { name: "none", mountPath: "/a" },
      ],
    }),
    'spec.containers[0].volumeMounts[0].name: Not found: "none"',
    `spec.containers[0].volumeMounts[0].subPath: Invalid value: "../x": must not contain '..'`,
    'spec.containers[0].volumeMounts[1].name: Not found: "none"',
    'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/a": must be unique',
  ],
  [
    container({ resources: { limits: { cpu: "100m", "example.com/gpu": "0.5" }, requests: { cpu: "1", food: "2" } } }),
    'spec.containers[0].resources.limits[example.com/gpu]: Invalid value: "500m": must be an integer',
    'spec.containers[0].resources.requests: Invalid value: "1": must be less than or equal to cpu limit of 100m',
    'spec.containers[0].resources.requests[example.com/gpu]: Invalid value: "500m": must be an integer',
    'spec.containers[0].resources.requests[food]: Invalid value: "food": must be a standard resource type or fully qualified',
    'spec.containers[0].resources.requests[food]: Invalid value: "food": must be a standard resource for containers',
  ],
  [
    container({
      lifecycle: { postStart: {}, preStop: { exec: {}, sleep: { seconds: 31 } } },
      livenessProbe: { httpGet: { port: "UP" }, successThreshold: 2 },
    }),
    "spec.containers[0].lifecycle.postStart: Required value: must specify a handler type",
    "spec.containers[0].lifecycle.preStop.sleep: Forbidden: may not specify more than 1 handler type",
    "spec.containers[0].lifecycle.preStop.exec.command: Required value",
    "spec.containers[0].lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)",
    'spec.containers[0].livenessProbe.httpGet.port: Invalid value: "UP": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
    'spec.containers[0].livenessProbe.httpGet.port: Invalid value: "UP": must contain at least one letter (a-z)',
    "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
  ],
  [
    container({ securityContext: { runAsUser: -1, seccompProfile: { type: "Localhost" } } }),
    "spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
    "spec.containers[0].securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost",
  ],
  [
    {
      volumes: [
        { name: "v", emptyDir: {}, secret: {} },
        { name: "v", hostPath: { path: "/a/../b", type: "Pipe" } },
        { name: "w", image: {} },
      ],
    },
    "spec.volumes[0].secret: Forbidden: may not specify more than 1 volume type",
    "spec.volumes[0].secret.secretName: Required value",
    `spec.volumes[1].hostPath.path: Invalid value: "/a/../b": must not contain '..'`,
    'spec.volumes[1].hostPath.type: Unsupported value: "Pipe": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"',
    'spec.volumes[1].name: Duplicate value: "v"',
    "spec.volumes[2].image.reference: Required value",
  ],
  [
    {
      restartPolicy: "Maybe",
      dnsPolicy: "None",
      hostNetwork: true,
      ...container({ ports: [{ containerPort: 1, hostPort: 2 }] }),
    },
    'spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"',
    "spec.containers[0].ports[0].containerPort: Invalid value: 1: must match `hostPort` when `hostNetwork` is true",
    "spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None",
  ],
  [
    {
      affinity: {
        nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: {} },
        podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{}] },
      },
    },
    "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term",
    "spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 0: must be in the range 1-100",
    "spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.topologyKey: Required value: can not be empty",
  ],
  [
    { ephemeralContainers: [{ name: "e", image: "i" }] },
    "spec.ephemeralContainers: Forbidden: cannot be set on create",
  ],
];

for (const [spec, ...expected] of POD_FAULTS) {
  test(`a pod is refused: ${expected[0]?.slice(0, 70)}`, () => {
    assert.deepEqual(faults("Pod", pod(spec)), expected);
  });
}

test("names, labels and annotations are checked as metadata of every kind", () => {
  const metadata = { generateName: "", labels: { "a b": "c d" }, annotations: { k: "x".repeat(300_000) } };
  assert.deepEqual(
    faults("ConfigMap", { metadata }).map((text) => text.slice(0, 60)),
    [
      "metadata.name: Required value: name or generateName is requi",
      "metadata.namespace: Required value",
      'metadata.labels: Invalid value: "a b": name part must consis',
      'metadata.labels: Invalid value: "c d": a valid label must be',
      "metadata.annotations: Too long: may not be more than 262144 ",
    ],
  );
  assert.deepEqual(faults("Node", { metadata: { name: "n", namespace: "x" } }), [
    "metadata.namespace: Forbidden: not allowed on this type",
  ]);
  assert.deepEqual(faults("Pod", { ...pod({}), metadata: { generateName: "web-", namespace: "default" } }), []);
});

function secret(type: string, data: Record<string, string>): Secret {
  const encoded = Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")]);
  return {
    metadata: { name: "s", namespace: "default" },
    type,
    data: Object.fromEntries(encoded) as Record<string, string>,
  };
}

test("a pull secret that is not JSON is refused without its content", () => {
  const object = secret("kubernetes.io/dockerconfigjson", { ".dockerconfigjson": "Really really reeeeeaaally\n" });
  const { message } = invalidStatus({ group: "", kind: "Secret" }, "myregistrykey", validateCreate("Secret", object));
  assert.equal(
    message,
    'Secret "myregistrykey" is invalid: data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": invalid character at offset 0: not JSON',
  );
});

test("secrets of known types need their keys", () => {
  const cases: readonly (readonly [Secret, ...string[]])[] = [
    [secret("kubernetes.io/dockerconfigjson", { ".dockerconfigjson": '{"auths":{}}' })],
    [secret("kubernetes.io/dockerconfigjson", { x: "" }), "data[.dockerconfigjson]: Required value"],
    [
      secret("kubernetes.io/dockercfg", { ".dockercfg": "[]" }),
      'data[.dockercfg]: Invalid value: "<secret contents redacted>": the JSON is no object',
    ],
    [
      secret("kubernetes.io/dockercfg", { ".dockercfg": '{"a":' }),
      'data[.dockercfg]: Invalid value: "<secret contents redacted>": unexpected end of JSON input',
    ],
    [secret("kubernetes.io/basic-auth", {}), "data[username]: Required value", "data[password]: Required value"],
    [secret("kubernetes.io/ssh-auth", { "ssh-privatekey": "" }), "data[ssh-privatekey]: Required value"],
    [secret("kubernetes.io/tls", { "tls.crt": "" }), "data[tls.key]: Required value"],
    [
      secret("kubernetes.io/service-account-token", {}),
      "metadata.annotations[kubernetes.io/service-account.name]: Required value",
    ],
    [
      secret("Opaque", { "a/b": "" }),
      `data[a/b]: Invalid value: "a/b": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`,
    ],
    [secret("Opaque", { big: "x".repeat(1024 * 1024 + 1) }), "data: Too long: may not be more than 1048576 bytes"],
  ];
  for (const [object, ...expected] of cases) assert.deepEqual(faults("Secret", object), expected);
});

test("an immutable secret and a secret's type stay as they are", () => {
  const before = { ...secret("Opaque", { a: "1" }), immutable: true };
  const errors = validateUpdate("Secret", secret("kubernetes.io/basic-auth", { username: "2" }), before);
  assert.deepEqual(errors.map(fieldErrorText), [
    'type: Invalid value: "kubernetes.io/basic-auth": field is immutable',
    "immutable: Forbidden: field is immutable when `immutable` is set",
    "data: Forbidden: field is immutable when `immutable` is set",
  ]);
});

test("of a running pod only images, deadlines and new tolerations may change", () => {
  const before = pod({ nodeName: "n", tolerations: [{ key: "a", operator: "Exists" }] });
  const update = (change: (spec: PodSpec) => void): string[] => {
    const after = structuredClone(before);
    if (after.spec !== undefined) change(after.spec);
    return validateUpdate("Pod", after, before).map((error) => fieldErrorText(error).slice(0, 78));
  };
  const image = (spec: PodSpec): void => {
    for (const item of spec.containers) item.image = "other:1";
  };
  assert.deepEqual(update(image), []);
  assert.deepEqual(
    update((spec) => spec.tolerations?.push({ key: "b", operator: "Exists" })),
    [],
  );
  assert.deepEqual(
    update((spec) => (spec.activeDeadlineSeconds = 5)),
    [],
  );
  assert.deepEqual(
    update((spec) => (spec.nodeName = "m")),
    ["spec: Forbidden: pod updates may not change fields other than `spec.containers"],
  );
  assert.deepEqual(
    update((spec) => spec.containers.push({ name: "z", image: "z", imagePullPolicy: "Always" })),
    ["spec.containers: Forbidden: pod updates may not add or remove containers"],
  );
  assert.deepEqual(
    update((spec) => (spec.tolerations = [])),
    ["spec.tolerations: Forbidden: existing toleration can not be modified except it"],
  );
});

test("metadata that identifies an object stays as it is", () => {
  const before = { metadata: { name: "c", namespace: "n", uid: "1", deletionTimestamp: "2026-01-01T00:00:00Z" } };
  const after = { metadata: { ...before.metadata, uid: "2", finalizers: ["x/y"] } };
  assert.deepEqual(validateUpdate("ConfigMap", after, before).map(fieldErrorText), [
    'metadata.uid: Invalid value: "2": field is immutable',
    'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"x/y"}',
  ]);
});

test("events, leases, nodes and config maps have rules of their own", () => {
  const metadata = { name: "x", namespace: "a" };
  assert.deepEqual(faults("Event", { metadata, involvedObject: { namespace: "b" } }), [
    'involvedObject.namespace: Invalid value: "b": does not match event.namespace',
  ]);
  assert.deepEqual(faults("Lease", { metadata, spec: { leaseDurationSeconds: 0 } }), [
    "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
  ]);
  assert.deepEqual(faults("Node", { metadata: { name: "n" }, spec: { taints: [{ key: "k", effect: "Go" }] } }), [
    'spec.taints[0].effect: Unsupported value: "Go": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
  ]);
  assert.deepEqual(faults("ConfigMap", { metadata, data: { k: "" }, binaryData: { k: "" } }), [
    'data[k]: Invalid value: "k": duplicate of key present in binaryData',
  ]);
});

test("an object with countless faults gets an answer of bounded length", () => {
  const labels = Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`${index} é`, "é"]));
  assert.equal(validateCreate("ConfigMap", { metadata: { name: "c", namespace: "n", labels } }).length, 100);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as check, property, uint8Array } from "fast-check";
import { decodeProtobuf } from "./protobuf-decode.ts";
import { decodeValue } from "./strict-decoding.ts";

// Bodies as kubectl 1.35.2 sent them; the command is `kubectl create` followed by the key.
const BODIES: Record<string, { readonly body: string; readonly object: object }> = {
  "secret generic s --from-literal=a=b --from-literal=c=dd": {
    body: "azhzAAoMCgJ2MRIGU2VjcmV0EiYKEQoBcxIAGgAiACoAMgA4AEIAEgYKAWESAWISBwoBYxICZGQaABoAIgA=",
    object: { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, data: { a: "Yg==", c: "ZGQ=" } },
  },
  "configmap c --from-literal=k=v": {
    body: "azhzAAoPCgJ2MRIJQ29uZmlnTWFwEhsKEQoBYxIAGgAiACoAMgA4AEIAEgYKAWsSAXYaACIA",
    object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { k: "v" } },
  },
  "deployment d --image=nginx --replicas=0 --port=80": {
    body: "azhzAAoVCgdhcHBzL3YxEgpEZXBsb3ltZW50ErABChsKAWQSABoAIgAqADIAOABCAFoICgNhcHASAWQSggEIABIKCggKA2FwcBIBZBpqChoKABIAGgAiACoAMgA4AEIAWggKA2FwcBIBZBJMEi4KBW5naW54EgVuZ2lueCoAMgoKABAAGFAiACoAQgBqAHIAgAEAiAEAkAEAogEAGgAyAEIASgBSAFgAYABoAIIBAIoBAJoBAMIBACICCgAoADgAGgwIABAAGAAgACgAOAAaACIA",
    object: {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "d", labels: { app: "d" } },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: "d" } },
        template: {
          metadata: { labels: { app: "d" } },
          spec: { containers: [{ name: "nginx", image: "nginx", ports: [{ containerPort: 80 }] }] },
        },
      },
    },
  },
  "service nodeport svc --tcp=80:web": {
    body: "azhzAAoNCgJ2MRIHU2VydmljZRJpCh8KA3N2YxIAGgAiACoAMgA4AEIAWgoKA2FwcBIDc3ZjEkIKHAoGODAtd2ViEgNUQ1AYUCIJCAEQABoDd2ViKAASCgoDYXBwEgNzdmMaACIITm9kZVBvcnQ6AEIAUgBaAGAAaAAaAgoAGgAiAA==",
    object: {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "svc", labels: { app: "svc" } },
      spec: {
        ports: [{ name: "80-web", protocol: "TCP", port: 80, targetPort: "web" }],
        selector: { app: "svc" },
        type: "NodePort",
      },
    },
  },
  "quota q --hard=cpu=1500m,memory=1Gi": {
    body: "azhzAAoTCgJ2MRINUmVzb3VyY2VRdW90YRI4ChEKAXESABoAIgAqADIAOABCABIhCg4KA2NwdRIHCgUxNTAwbQoPCgZtZW1vcnkSBQoDMUdpGgAaACIA",
    object: {
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: { name: "q" },
      spec: { hard: { cpu: "1500m", memory: "1Gi" } },
    },
  },
  "token default --duration=10m": {
    body: "azhzAAooChhhdXRoZW50aWNhdGlvbi5rOHMuaW8vdjESDFRva2VuUmVxdWVzdBIdChAKABIAGgAiACoAMgA4AEIAEgMg2AQaBAoAEgAaACIA",
    object: {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { expirationSeconds: 600 },
      status: { token: "" },
    },
  },
};

for (const [command, { body, object }] of Object.entries(BODIES)) {
  test(`the body of kubectl create ${command} is read`, () => {
    const decoded = decodeProtobuf(Buffer.from(body, "base64"));
    assert.deepEqual(decoded, object);
    const { apiVersion, kind } = object as { apiVersion: string; kind: string };
    assert.deepEqual(decodeValue(decoded, { apiVersion, kind }), { object, strictErrors: [] });
  });
}

test("cut and changed bodies are refused as bad requests or read as something else, never worse", () => {
  const body = Buffer.from(BODIES["deployment d --image=nginx --replicas=0 --port=80"]?.body ?? "", "base64");
  const read = (bytes: Uint8Array): void => {
    try {
      decodeProtobuf(bytes);
    } catch (error) {
      assert.equal((error as { code?: string }).code, "BadRequest", String(error));
    }
  };
  for (let length = 0; length < body.length; length++) read(body.subarray(0, length));
  for (let index = 4; index < body.length; index++) {
    for (const byte of [0, 0x7f, 0xff]) read(Buffer.from(body).fill(byte, index, index + 1));
  }
  check(property(uint8Array({ maxLength: 200 }), (bytes) => read(Buffer.concat([body.subarray(0, 30), bytes]))));
});

test("a map key that names the prototype is a key like others", () => {
  // Secret { data: { "__proto__": "x" } }
  const entry = Buffer.concat([Buffer.from([0x0a, 9]), Buffer.from("__proto__"), Buffer.from([0x12, 1, 0x78])]);
  const secret = Buffer.concat([Buffer.from([0x12, entry.length]), entry]);
  const typeMeta = Buffer.from("0a0c0a02763112065365637265741200".slice(0, 28), "hex");
  const envelope = Buffer.concat([Buffer.from("k8s\0"), typeMeta, Buffer.from([0x12, secret.length]), secret]);
  const { data } = decodeProtobuf(envelope) as { data: object };
  assert.deepEqual(Object.entries(data), [["__proto__", "eA=="]]);
  assert.equal(Object.getPrototypeOf(data), Object.prototype);
});

test("a list of many elements is read in linear time", () => {
  // Pod { spec: { containers: [ {}, {}, … ] } }
  const containers = Buffer.concat(Array.from({ length: 200_000 }, () => Buffer.from([0x12, 0])));
  const length = (size: number): Buffer => Buffer.from([(size & 0x7f) | 0x80, ((size >> 7) & 0x7f) | 0x80, size >> 14]);
  const pod = Buffer.concat([Buffer.from([0x12]), length(containers.length), containers]);
  const typeMeta = Buffer.from([0x0a, 9, 0x0a, 2, 0x76, 0x31, 0x12, 3, 0x50, 0x6f, 0x64]);
  const envelope = Buffer.concat([Buffer.from("k8s\0"), typeMeta, Buffer.from([0x12]), length(pod.length), pod]);
  const start = performance.now();
  const decoded = decodeProtobuf(envelope) as { spec: { containers: unknown[] } };
  assert.equal(decoded.spec.containers.length, 200_000);
  assert.ok(performance.now() - start < 5000);
});

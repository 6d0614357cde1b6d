import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeJson, decodeValue, enforceFieldValidation } from "./strict-decoding.ts";
import { parseStrictJson } from "./strict-json.ts";

const POD = { apiVersion: "v1", kind: "Pod" };

function pod(spec: string): string {
  return `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":${spec}}`;
}

test("unknown and duplicate fields are found with their paths and left out", () => {
  const { object, strictErrors } = decodeJson(
    pod('{"imagePullPolicy":"Always","containers":[{"name":"a","name":"b","foo":1,"env":[{"nome":"x"}]}]}'),
    POD,
  );
  assert.deepEqual(strictErrors, [
    'duplicate field "spec.containers[0].name"',
    'unknown field "spec.imagePullPolicy"',
    'unknown field "spec.containers[0].foo"',
    'unknown field "spec.containers[0].env[0].nome"',
  ]);
  assert.deepEqual(object, {
    ...POD,
    metadata: { name: "p" },
    spec: { containers: [{ name: "b", env: [{ name: "" }] }] },
  });
});

test("Strict refuses, Warn tells, Ignore is silent", () => {
  const { strictErrors } = decodeJson(pod('{"imagePullPolicy":"Always","bar":1}'), POD);
  assert.throws(() => enforceFieldValidation(strictErrors, "Strict", POD), {
    code: "BadRequest",
    message:
      'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.imagePullPolicy", unknown field "spec.bar"',
  });
  assert.deepEqual(enforceFieldValidation(strictErrors, "Warn", POD), strictErrors);
  assert.deepEqual(enforceFieldValidation(strictErrors, "Ignore", POD), []);
});

test("values of the wrong type are refused in the words of Go's decoder", () => {
  const cases: Record<string, string> = {
    '{"containers":[{"name":"a","ports":[{"containerPort":"80"}]}]}':
      "json: cannot unmarshal string into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32",
    '{"containers":[{"env":[{"name":"A","value":1}]}]}':
      "json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string",
    '{"containers":{}}':
      "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container",
    '{"containers":[{"resources":{"limits":{"cpu":"two"}}}]}':
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    '{"hostNetwork":"yes"}': "json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool",
    '{"terminationGracePeriodSeconds":1.5}':
      "json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.terminationGracePeriodSeconds of type int64",
    "[]": "json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec",
  };
  for (const [spec, reason] of Object.entries(cases)) {
    assert.throws(() => decodeJson(pod(spec), POD), {
      message: `Pod in version "v1" cannot be handled as a Pod: ${reason}`,
    });
  }
});

test("secret data that is not base64 is refused with the offset alone", () => {
  const expected = { apiVersion: "v1", kind: "Secret" };
  const decode = (data: string): unknown => decodeJson(JSON.stringify({ data: { a: data } }), expected);
  const prefix = 'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte ';
  for (const [data, offset] of [
    ["YWJj!", 4],
    ["YWJjZA", 4],
    ["YQ==YQ==", 4],
    ["=", 0],
  ] as const) {
    assert.throws(() => decode(data), { message: `${prefix}${offset}` }, data);
  }
  assert.deepEqual(decode("YW\nJj"), { object: { ...expected, data: { a: "YWJj" } }, strictErrors: [] });
});

test("quantities, times and null are written as Kubernetes writes them", () => {
  const { object } = decodeValue(
    {
      metadata: { name: "p", namespace: "", labels: {}, creationTimestamp: "2026-01-31T13:00:00.5+01:00", uid: null },
      spec: { containers: [{ name: "a", resources: { limits: { cpu: 0.5, memory: "1024Ki" } } }], volumes: [] },
    },
    POD,
  );
  assert.deepEqual(object, {
    ...POD,
    metadata: { name: "p", creationTimestamp: "2026-01-31T12:00:00Z" },
    spec: { containers: [{ name: "a", resources: { limits: { cpu: "500m", memory: "1Mi" } } }] },
  });
});

test("a time that is none is refused", () => {
  for (const time of ["yesterday", "2026-02-30T00:00:00Z", "2026-01-31", "2026-01-31T25:00:00Z", 5]) {
    assert.throws(() => decodeValue({ metadata: { creationTimestamp: time } }, POD), { code: "BadRequest" }, `${time}`);
  }
});

test("another kind or version is refused", () => {
  assert.throws(() => decodeValue({ kind: "Secret", apiVersion: "v1" }, POD), { code: "BadRequest" });
  assert.throws(() => decodeValue({ kind: "Pod", apiVersion: "v2" }, POD), {
    message: "the API version in the data (v2) does not match the expected API version (v1)",
  });
});

test("text that is not JSON is refused without quoting it", () => {
  assert.throws(() => parseStrictJson('{"password":hunter2}'), {
    code: "BadRequest",
    message: "json parse error: invalid JSON at offset 12",
  });
  assert.throws(() => parseStrictJson('{"a":'), { message: "json parse error: invalid JSON at offset 5" });
  assert.throws(() => parseStrictJson("[".repeat(2000) + "]".repeat(2000)), { code: "BadRequest" });
});

test("keys that are equal once unescaped are duplicates, values never are", () => {
  const { duplicates } = parseStrictJson('{"a":"a","\\u0061":{"b":["b","b",{"c":1,"c":2,"c\\"":3}]}}');
  assert.deepEqual(duplicates, ["a", "a.b[2].c"]);
});

test("keys that name the prototype stay keys", () => {
  const { object, strictErrors } = decodeJson('{"data":{"__proto__":"x","constructor":"y"},"__proto__":{}}', {
    apiVersion: "v1",
    kind: "ConfigMap",
  });
  assert.deepEqual(Object.keys((object as unknown as { data: object }).data), ["__proto__", "constructor"]);
  assert.deepEqual(strictErrors, ['unknown field "__proto__"']);
});

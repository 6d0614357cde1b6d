import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { openClusterFixture, type ClusterFixture } from "../../src/testing/cluster-fixture.ts";
import { writeManifest } from "../../src/testing/kubectl.ts";
import { podManifest } from "./pod-manifest.ts";

describe("bad input", () => {
  let fixture: ClusterFixture;
  before(async () => void (fixture = await openClusterFixture({ node: false, registries: false })));
  after(async () => await fixture[Symbol.asyncDispose]());

  /** Creates from a file, expects kubectl to fail, and returns what it said. */
  async function refusalOf(file: string, text: string): Promise<string> {
    const path = await writeManifest(fixture.directory, file, text);
    const { exitCode, stderr } = await fixture.kubectl.run(["create", "-f", path]);
    assert.equal(exitCode, 1);
    return stderr.replaceAll(path, "FILE");
  }

  test("an empty file has no objects (seed: secret-no-objects)", async () => {
    assert.equal(await refusalOf("empty.yaml", ""), "error: no objects passed to create\n");
  });

  test("a secret whose data is no base64 is refused (seed: secret-no-objects)", async () => {
    const refusal = await refusalOf(
      "base64.yaml",
      secretManifest({ name: "broken", data: "this is !not! base64", namespace: "default" }),
    );
    assert.match(refusal, /illegal base64 data at input byte \d+/);
  });

  test("the secret as the documentation prints it is invalid (seed: secret-invalid, secret-by-hand)", async () => {
    await fixture.kubectl.ok(["create", "namespace", "awesomeapps"]);
    const text = `Really ${"really ".repeat(3)}long auth keys\n`;
    const data = Buffer.from(text).toString("base64");
    const refusal = await refusalOf(
      "seed.yaml",
      secretManifest({ name: "myregistrykey", data, namespace: "awesomeapps" }),
    );
    assert.match(
      refusal,
      /^The Secret "myregistrykey" is invalid: data\[\.dockerconfigjson\]: Invalid value: "<secret contents redacted>": /,
    );
    assert.doesNotMatch(refusal, /Really|really|auth keys/);
  });

  test("a secret whose JSON is broken is refused and nothing of it is quoted (seed: secret-invalid)", async () => {
    const json = '{"auths":{"registry.example":{"username":"user","password":"hunter2-canary"}}';
    const data = Buffer.from(json).toString("base64");
    const refusal = await refusalOf(
      "broken-json.yaml",
      secretManifest({ name: "brokenjson", data, namespace: "default" }),
    );
    assert.match(refusal, /data\[\.dockerconfigjson\]: Invalid value: "<secret contents redacted>"/);
    assert.doesNotMatch(refusal, /hunter2|canary|registry\.example|username/);
  });

  test("a secret of the type without its key is refused", async () => {
    const manifest = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "keyless" },
      type: "kubernetes.io/dockerconfigjson",
    };
    const refusal = await refusalOf("keyless.json", JSON.stringify(manifest));
    assert.equal(refusal, 'The Secret "keyless" is invalid: data[.dockerconfigjson]: Required value\n');
  });

  test("a pull policy at pod level is an unknown field (seed: policy-pod-level)", async () => {
    const pod = podManifest({ name: "podlevel", image: "example.com/app:v1" });
    const manifest = JSON.stringify({ ...pod, spec: { ...pod.spec, imagePullPolicy: "Always" } });
    assert.equal(
      await refusalOf("podlevel.json", manifest),
      'Error from server (BadRequest): error when creating "FILE": Pod in version "v1" cannot be handled as a Pod: ' +
        'strict decoding error: unknown field "spec.imagePullPolicy"\n',
    );
  });

  test("several unknown fields are all named", async () => {
    const container = { nonsense: 1, imagePullPolice: "Always" } as object;
    const pod = podManifest({ name: "unknown", image: "example.com/app:v1", container });
    const refusal = await refusalOf("unknown.json", JSON.stringify(pod));
    assert.match(refusal, /unknown field "spec\.containers\[0\]\.imagePullPolice"/);
    assert.match(refusal, /unknown field "spec\.containers\[0\]\.nonsense"/);
  });

  test("with --validate=warn unknown fields are warned of and dropped", async () => {
    const pod = podManifest({ name: "warned", image: "example.com/app:v1", container: { nonsense: 1 } as object });
    const { stdout, stderr } = await fixture.kubectl.run(["create", "--validate=warn", "-f", "-"], {
      input: JSON.stringify(pod),
    });
    assert.deepEqual(
      [stdout, stderr],
      ["pod/warned created\n", 'Warning: unknown field "spec.containers[0].nonsense"\n'],
    );
    assert.doesNotMatch(await fixture.kubectl.ok(["get", "pod", "warned", "-o", "yaml"]), /nonsense/);
  });

  test("broken YAML is refused and says where", async () => {
    const refusal = await refusalOf("broken.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: [broken\n");
    assert.match(refusal, /error parsing FILE: error converting YAML to JSON: yaml: line \d+/);
  });

  test("a value of the wrong type is refused by its path", async () => {
    const manifest = { ...podManifest({ name: "typed", image: "example.com/app:v1" }) };
    const refusal = await refusalOf(
      "typed.json",
      JSON.stringify({ ...manifest, spec: { ...manifest.spec, containers: "app" } }),
    );
    assert.match(
      refusal,
      /cannot unmarshal string into Go struct field PodSpec\.spec\.containers of type \[\]v1\.Container/,
    );
  });

  test("an invalid pod names each field and its rule", async () => {
    const containers = [
      { name: "Main", image: "example.com/app:v1" },
      { name: "two", image: "", imagePullPolicy: "Sometimes" },
    ];
    const refusal = await refusalOf(
      "invalid.json",
      JSON.stringify(podManifest({ name: "invalid", image: "x", spec: { containers } })),
    );
    const expected = [
      /^The Pod "invalid" is invalid: /,
      /spec\.containers\[0\]\.name: Invalid value: "Main": a lowercase RFC 1123 label must consist of/,
      /spec\.containers\[1\]\.image: Required value/,
      /spec\.containers\[1\]\.imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"/,
    ];
    assert.deepEqual(
      expected.filter((pattern) => !pattern.test(refusal)),
      [],
      refusal,
    );
  });

  test("a pod in a namespace that is not there is refused", async () => {
    const pod = podManifest({ name: "nowhere", namespace: "nowhere", image: "example.com/app:v1" });
    assert.equal(
      await refusalOf("nowhere.json", JSON.stringify(pod)),
      'Error from server (NotFound): error when creating "FILE": namespaces "nowhere" not found\n',
    );
  });

  test("an object of 4 MiB is refused and the server lives on", async () => {
    const data = { big: "x".repeat(4 * 1024 * 1024) };
    const manifest = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "big" }, data };
    const refusal = await refusalOf("big.json", JSON.stringify(manifest));
    assert.match(refusal, /too large|limit/i);
    assert.equal(await fixture.kubectl.ok(["get", "--raw", "/readyz"]), "ok");
  });

  test("nothing that was refused is there", async () => {
    const objects = await fixture.kubectl.ok(["get", "pods,secrets,configmaps", "-A", "-o", "name"]);
    assert.doesNotMatch(objects, /broken|keyless|podlevel|unknown|typed|invalid|nowhere|big|myregistrykey/);
  });
});

interface SecretSketch {
  readonly name: string;
  readonly namespace: string;
  readonly data: string;
}

function secretManifest({ name, namespace, data }: SecretSketch): string {
  return `apiVersion: v1
kind: Secret
metadata:
  name: ${name}
  namespace: ${namespace}
data:
  .dockerconfigjson: ${data}
type: kubernetes.io/dockerconfigjson
`;
}

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { openClusterFixture, type ClusterFixture } from "../../src/testing/cluster-fixture.ts";
import { writeManifest } from "../../src/testing/kubectl.ts";
import { requires } from "../../src/testing/requires.ts";
import { waitUntil } from "../../src/testing/wait-until.ts";
import { podManifest, SLEEP } from "./pod-manifest.ts";
import { podOf, waitForPhase } from "./pod-state.ts";

const skip = requires("root", "docker-registry", "busybox-static");

describe("kubectl", { skip }, () => {
  let fixture: ClusterFixture;
  before(async () => {
    fixture = await openClusterFixture({ nodeName: "scenario-node", nodeExternalIp: "203.0.113.7" });
    const sketch = { name: "shown", image: fixture.registries.publicImage, command: SLEEP };
    await fixture.kubectl.create(podManifest(sketch));
    await waitForPhase(fixture.kubectl, "shown", "Running");
  });
  after(async () => await fixture[Symbol.asyncDispose]());

  test("version shows a server of a real Kubernetes version", async () => {
    const version = await fixture.kubectl.json<{ serverVersion: { gitVersion: string; major: string; minor: string } }>(
      ["version"],
    );
    assert.match(version.serverVersion.gitVersion, /^v1\.\d+\.\d+(\+[0-9A-Za-z.-]+)?$/);
    const { stderr } = await fixture.kubectl.run(["version"]);
    assert.doesNotMatch(stderr, /exceeds the supported minor version skew/);
  });

  test("nodes carry the kubelet's version (seed: kubelet-version)", async () => {
    const query = "jsonpath={.items[0].status.nodeInfo.kubeletVersion}";
    const version = await fixture.kubectl.ok(["get", "nodes", "-o", query]);
    const [major = 0, minor = 0] = version.slice(1).split(".").map(Number);
    assert.ok(major > 1 || (major === 1 && minor >= 2), version);
  });

  test("api-resources lists the kinds with their short names", async () => {
    const table = await fixture.kubectl.ok(["api-resources"]);
    const rows = [
      /^configmaps +cm +v1 +true +ConfigMap$/m,
      /^events +ev +v1 +true +Event$/m,
      /^namespaces +ns +v1 +false +Namespace$/m,
      /^nodes +no +v1 +false +Node$/m,
      /^pods +po +v1 +true +Pod$/m,
      /^secrets +v1 +true +Secret$/m,
      /^serviceaccounts +sa +v1 +true +ServiceAccount$/m,
      /^leases +coordination\.k8s\.io\/v1 +true +Lease$/m,
    ];
    assert.deepEqual(
      rows.filter((row) => !row.test(table)),
      [],
      table,
    );
  });

  test("explain documents a field", async () => {
    const text = await fixture.kubectl.ok(["explain", "pod.spec.containers.imagePullPolicy"]);
    assert.match(text, /FIELD: imagePullPolicy <string>/);
    assert.match(text, /Image pull policy\. One of Always, Never, IfNotPresent\./);
  });

  test("get nodes -o wide shows the node as ready, with its addresses and runtime", async () => {
    const [head = "", row = ""] = (await fixture.kubectl.ok(["get", "nodes", "-o", "wide"])).split("\n");
    assert.match(
      head,
      /^NAME +STATUS +ROLES +AGE +VERSION +INTERNAL-IP +EXTERNAL-IP +OS-IMAGE +KERNEL-VERSION +CONTAINER-RUNTIME/,
    );
    assert.match(
      row,
      /^scenario-node +Ready +\S+ +\S+ +v1\.\S+ +\d+\.\d+\.\d+\.\d+ +203\.0\.113\.7 +\S.* +berth:\/\/\S+$/,
    );
  });

  test("node names come by template (seed: node-names-template)", async () => {
    const template = "--template={{range.items}}{{.metadata.name}} {{end}}";
    assert.equal(await fixture.kubectl.ok(["get", "nodes", "-o", "template", template]), "scenario-node ");
  });

  test("node names come by JSONPath (seed: node-names-jsonpath)", async () => {
    const query = "jsonpath={range.items[*].metadata}{.name} {end}";
    assert.equal(await fixture.kubectl.ok(["get", "nodes", "-o", query]), "scenario-node ");
  });

  test("node addresses come by JSONPath (seed: node-ips-jsonpath)", async () => {
    const query = 'jsonpath={range .items[*].status.addresses[?(@.type=="ExternalIP")]}{.address} {end}';
    assert.equal(await fixture.kubectl.ok(["get", "nodes", "-o", query]), "203.0.113.7 ");
  });

  test("get pods -A -w shows what changes", async () => {
    const { kubectl, registries } = fixture;
    await using watch = kubectl.start(["get", "pods", "-A", "-w"]);
    await waitUntil("the first rows", () => watch.output().includes("shown"));
    await kubectl.create(podManifest({ name: "watched", image: registries.publicImage, command: ["true"] }));
    const rows = await waitUntil("the last row", () => {
      const found = watch
        .output()
        .split("\n")
        .filter((line) => line.includes("watched"));
      return found.some((row) => row.includes("Completed")) && found;
    });
    assert.match(rows[0] ?? "", /^default +watched +0\/1 +Pending +0 +\S+$/);
    assert.match(rows.join("\n"), /^default +watched +0\/1 +ContainerCreating +0 +\S+$/m);
    assert.match(rows.at(-1) ?? "", /^default +watched +0\/1 +Completed +0 +\S+$/);
  });

  test("describe shows a running pod whole", async () => {
    const text = await fixture.kubectl.ok(["describe", "pod", "shown"]);
    const lines = [
      /^Name: +shown$/m,
      /^Node: +scenario-node\/\d+\.\d+\.\d+\.\d+$/m,
      /^Status: +Running$/m,
      /^IP: +\d+\.\d+\.\d+\.\d+$/m,
      /^ {4}Container ID: +berth:\/\/[0-9a-f]+$/m,
      /^ {4}Image ID: +127\.0\.0\.1:\d+\/team\/app@sha256:[0-9a-f]{64}$/m,
      /^ {4}State: +Running$/m,
      /^ {4}Ready: +True$/m,
      /^ {2}PodScheduled +True/m,
      /^ {2}ContainersReady +True/m,
      /^QoS Class: +BestEffort$/m,
      /^ {2}Normal +Scheduled +\S+ +default-scheduler +Successfully assigned default\/shown to scenario-node$/m,
      /^ {2}Normal +Pulling +\S+ +kubelet +(spec\.containers\{main\}: )?Pulling image/m,
      /^ {2}Normal +Pulled +\S+ +kubelet +(spec\.containers\{main\}: )?Successfully pulled image/m,
      /^ {2}Normal +Created +\S+ +kubelet +(spec\.containers\{main\}: )?Container created$/m,
      /^ {2}Normal +Started +\S+ +kubelet +(spec\.containers\{main\}: )?Container started$/m,
    ];
    assert.deepEqual(
      lines.filter((line) => !line.test(text)),
      [],
      text,
    );
  });

  test("events have the columns that users know (seed: events-columns)", async () => {
    const { kubectl } = fixture;
    const table = await kubectl.ok(["get", "events", "-o", "wide", "--field-selector", "involvedObject.name=shown"]);
    const [head = "", ...rows] = table.trimEnd().split("\n");
    assert.match(head, /^LAST SEEN +TYPE +REASON +OBJECT +SUBOBJECT +SOURCE +MESSAGE +FIRST SEEN +COUNT +NAME$/);
    const pulled = rows.find((row) => row.includes("Pulled")) ?? "";
    assert.match(
      pulled,
      /^\S+ +Normal +Pulled +pod\/shown +spec\.containers\{main\} +kubelet, scenario-node +Success.* +\S+ +1 +shown\.\S+$/,
    );
  });

  test("logs -f goes on until it is told to stop, and --tail and --timestamps are honoured", async () => {
    const { kubectl, registries } = fixture;
    const command = ["sh", "-c", "for i in 1 2 3 4 5; do echo line $i; sleep 0.2; done"];
    await kubectl.create(podManifest({ name: "talks", image: registries.publicImage, command }));
    await waitForPhase(kubectl, "talks", "Running");
    await using logs = kubectl.start(["logs", "-f", "talks"]);
    assert.equal(await logs.ended, 0);
    assert.equal(logs.output(), "line 1\nline 2\nline 3\nline 4\nline 5\n");
    assert.equal(await kubectl.ok(["logs", "talks", "--tail=2"]), "line 4\nline 5\n");
    assert.match(
      await kubectl.ok(["logs", "talks", "--tail=1", "--timestamps"]),
      /^\d{4}-\d\d-\d\dT[\d:.]+Z line 5\n$/,
    );
    assert.equal(await kubectl.ok(["logs", "talks", "--limit-bytes=6"]), "line 1");
  });

  test("apply creates, changes nothing, then changes", async () => {
    const { kubectl, directory } = fixture;
    const manifest = (colour: string) => `apiVersion: v1
kind: ConfigMap
metadata:
  name: applied
data:
  colour: ${colour}
`;
    const file = await writeManifest(directory, "applied.yaml", manifest("blue"));
    const printed = [await kubectl.ok(["apply", "-f", file]), await kubectl.ok(["apply", "-f", file])];
    await writeManifest(directory, "applied.yaml", manifest("green"));
    printed.push(await kubectl.ok(["apply", "-f", file]));
    const colour = await kubectl.ok(["get", "configmap", "applied", "-o", "jsonpath={.data.colour}"]);
    assert.deepEqual(
      [...printed, colour],
      ["configmap/applied created\n", "configmap/applied unchanged\n", "configmap/applied configured\n", "green"],
    );
  });

  test("label, annotate and the three kinds of patch change an object", async () => {
    const { kubectl } = fixture;
    await kubectl.ok(["create", "configmap", "patched", "--from-literal=a=1"]);
    await kubectl.ok(["label", "configmap", "patched", "team=blue"]);
    await kubectl.ok(["annotate", "configmap", "patched", "note=first"]);
    await kubectl.ok(["patch", "configmap", "patched", "--type=merge", "-p", '{"data":{"b":"2"}}']);
    await kubectl.ok(["patch", "configmap", "patched", "--type=strategic", "-p", '{"data":{"c":"3"}}']);
    await kubectl.ok(["patch", "configmap", "patched", "--type=json", "-p", '[{"op":"remove","path":"/data/a"}]']);
    const query = "jsonpath={.data} {.metadata.labels} {.metadata.annotations}";
    const printed = await kubectl.ok(["get", "configmap", "patched", "-o", query]);
    assert.equal(printed, '{"b":"2","c":"3"} {"team":"blue"} {"note":"first"}');
    assert.match(await kubectl.ok(["get", "configmaps", "-l", "team=blue", "-o", "name"]), /^configmap\/patched\n$/);
  });

  test("field selectors choose pods by node, phase and name", async () => {
    const { kubectl } = fixture;
    const namesWhere = async (selector: string) =>
      await kubectl.ok(["get", "pods", "--field-selector", selector, "-o", "name"]);
    assert.match(await namesWhere("spec.nodeName=scenario-node"), /pod\/shown/);
    assert.equal(await namesWhere("metadata.name=shown,status.phase=Running"), "pod/shown\n");
    assert.equal(await namesWhere("metadata.name=shown,status.phase!=Running"), "");
    const refused = await kubectl.run(["get", "pods", "--field-selector", "spec.nonsense=1"]);
    assert.match(refused.stderr, /field label not supported: spec\.nonsense/);
  });

  test("a list in pages is the same list", async () => {
    const { kubectl } = fixture;
    for (let number = 0; number < 5; number++) await kubectl.ok(["create", "configmap", `page-${number}`]);
    const whole = await kubectl.ok(["get", "configmaps", "-o", "name"]);
    assert.equal(await kubectl.ok(["get", "configmaps", "-o", "name", "--chunk-size=2"]), whole);
  });

  test("a dry run on the server validates, defaults and keeps nothing", async () => {
    const { kubectl, registries } = fixture;
    const manifest = JSON.stringify(podManifest({ name: "rehearsed", image: registries.publicImage }));
    const printed = await kubectl.ok(["create", "--dry-run=server", "-f", "-", "-o", "jsonpath={.spec.dnsPolicy}"], {
      input: manifest,
    });
    const after = await kubectl.run(["get", "pod", "rehearsed"]);
    assert.deepEqual(
      [printed, after.stderr],
      ["ClusterFirst", 'Error from server (NotFound): pods "rehearsed" not found\n'],
    );
  });

  test("replace with an old resource version is a conflict", async () => {
    const { kubectl } = fixture;
    await kubectl.ok(["create", "configmap", "contested", "--from-literal=a=1"]);
    const old = await kubectl.ok(["get", "configmap", "contested", "-o", "json"]);
    await kubectl.ok(["label", "configmap", "contested", "changed=yes"]);
    const { stderr } = await kubectl.run(["replace", "-f", "-"], { input: old });
    assert.match(
      stderr,
      /Error from server \(Conflict\).*the object has been modified; please apply your changes to the latest version and try again/,
    );
  });

  test("creating twice says AlreadyExists, deleting twice NotFound", async () => {
    const { kubectl } = fixture;
    await kubectl.ok(["create", "configmap", "twice"]);
    const created = await kubectl.run(["create", "configmap", "twice"]);
    const deleted = await kubectl.ok(["delete", "configmap", "twice"]);
    const gone = await kubectl.run(["delete", "configmap", "twice"]);
    assert.deepEqual(
      [created.stderr, deleted, gone.stderr],
      [
        'error: failed to create configmap: configmaps "twice" already exists\n',
        'configmap "twice" deleted from default namespace\n',
        'Error from server (NotFound): configmaps "twice" not found\n',
      ],
    );
  });

  test("a pod's image may be edited, its other fields may not", async () => {
    const { kubectl } = fixture;
    const patch = '{"spec":{"hostname":"other"}}';
    const { stderr } = await kubectl.run(["patch", "pod", "shown", "-p", patch]);
    assert.match(stderr, /^The Pod "shown" is invalid: spec: Forbidden: pod updates may not change fields other than /);
  });

  test("the node knows the image it has", async () => {
    const { kubectl, registries } = fixture;
    const names = await waitUntil("the image in the node's status", async () => {
      const text = await kubectl.ok(["get", "nodes", "-o", "jsonpath={.items[0].status.images[*].names}"]);
      return text.includes(registries.digest) && text;
    });
    assert.match(names, /127\.0\.0\.1:\d+\/team\/app:v1/);
  });

  test("a deleted pod is gone from the API when kubectl returns", async () => {
    const { kubectl, registries } = fixture;
    await kubectl.create(podManifest({ name: "deleted", image: registries.publicImage, command: SLEEP }));
    await waitForPhase(kubectl, "deleted", "Running");
    const printed = await kubectl.ok(["delete", "pod", "deleted"]);
    const names = (await kubectl.ok(["get", "pods", "-o", "name"])).split("\n");
    assert.deepEqual(
      [printed, names.includes("pod/deleted")],
      ['pod "deleted" deleted from default namespace\n', false],
    );
  });

  test("the pod that runs is ready and has all its conditions", async () => {
    const pod = await podOf(fixture.kubectl, "shown");
    const conditions = pod.status?.conditions?.map(({ type, status }) => `${type}=${status}`).toSorted();
    assert.deepEqual(conditions, [
      "ContainersReady=True",
      "Initialized=True",
      "PodReadyToStartContainers=True",
      "PodScheduled=True",
      "Ready=True",
    ]);
    // A reason of the past would be a lie by now.
    assert.deepEqual(
      pod.status?.conditions?.filter(({ reason, message }) => reason !== undefined || message !== undefined),
      [],
    );
  });
});

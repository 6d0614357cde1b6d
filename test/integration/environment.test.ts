import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { openClusterFixture, type ClusterFixture } from "../../src/testing/cluster-fixture.ts";
import { requires } from "../../src/testing/requires.ts";
import { podManifest, type PodSketch } from "./pod-manifest.ts";
import { waitForField, waitForPhase } from "./pod-state.ts";

const skip = requires("root", "docker-registry", "busybox-static");

describe("a container's environment", { skip, concurrency: true }, () => {
  let fixture: ClusterFixture;
  before(async () => void (fixture = await openClusterFixture()));
  after(async () => await fixture[Symbol.asyncDispose]());

  /** Runs a shell script in a pod to its end and returns the lines it printed. */
  async function linesOf(script: string, sketch: Partial<PodSketch> & { readonly name: string }): Promise<string[]> {
    const image = fixture.registries.publicImage;
    await fixture.kubectl.create(podManifest({ image, command: ["sh", "-c", script], ...sketch }));
    await waitForPhase(fixture.kubectl, sketch.name, "Succeeded");
    return (await fixture.kubectl.ok(["logs", sketch.name])).trimEnd().split("\n");
  }

  test("the hostname is the pod's name (seed: environment-hostname)", async () => {
    const lines = await linesOf("hostname; echo $HOSTNAME; grep -c hosts-test-pod /etc/hosts", {
      name: "hosts-test-pod",
    });
    assert.deepEqual(lines, ["hosts-test-pod", "hosts-test-pod", "1"]);
  });

  test("variables of the image and of the pod are set, the pod's winning (seed: environment-user)", async () => {
    const env = [
      { name: "FROM_POD", value: "pod" },
      { name: "OVERRIDDEN", value: "by the pod" },
      { name: "EXPANDED", value: "$(FROM_POD)-$(UNKNOWN)-$$(FROM_POD)" },
    ];
    const lines = await linesOf('echo "$FROM_IMAGE|$FROM_POD|$OVERRIDDEN|$EXPANDED|$PATH"', {
      name: "variables",
      container: { env },
    });
    assert.deepEqual(lines, ["image|pod|by the pod|pod-$(UNKNOWN)-$(FROM_POD)|/bin"]);
  });

  test("the downward API gives name, namespace, addresses and limits (seed: environment-downward)", async () => {
    const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
    const env = [
      field("POD_NAME", "metadata.name"),
      field("POD_NAMESPACE", "metadata.namespace"),
      field("POD_UID", "metadata.uid"),
      field("POD_IP", "status.podIP"),
      field("NODE_NAME", "spec.nodeName"),
      { name: "LIMIT", valueFrom: { resourceFieldRef: { resource: "limits.memory", divisor: "1Mi" } } },
    ];
    const resources = { limits: { memory: "64Mi" } };
    const script = 'echo "$POD_NAME $POD_NAMESPACE $LIMIT"; echo $POD_UID; echo $POD_IP; echo $NODE_NAME';
    const lines = await linesOf(script, { name: "downward", container: { env, resources } });
    const pod = await waitForField(fixture.kubectl, "downward", "{.status.phase}=Succeeded");
    const seen = [pod.metadata?.uid, pod.status?.podIP, pod.spec?.nodeName];
    assert.deepEqual(lines, ["downward default 64", ...seen]);
  });

  test("the file system is the image and the volumes together (seed: environment-filesystem)", async () => {
    const { kubectl } = fixture;
    await kubectl.ok(["create", "configmap", "settings", "--from-literal=colour=blue"]);
    await kubectl.ok(["create", "secret", "generic", "token", "--from-literal=value=s3cret"]);
    const volumes = [
      { name: "scratch", emptyDir: {} },
      { name: "settings", configMap: { name: "settings" } },
      { name: "token", secret: { secretName: "token" } },
    ];
    const volumeMounts = [
      { name: "scratch", mountPath: "/scratch" },
      { name: "settings", mountPath: "/etc/settings" },
      { name: "token", mountPath: "/etc/token", readOnly: true },
    ];
    const reader = {
      name: "reader",
      image: fixture.registries.publicImage,
      command: ["sh", "-c", "while ! test -s /scratch/note; do sleep 0.1; done; cat /scratch/note"],
      volumeMounts: [{ name: "scratch", mountPath: "/scratch" }],
    };
    const main = {
      name: "main",
      image: fixture.registries.publicImage,
      command: ["sh", "-c", "cat /image-file /etc/settings/colour /etc/token/value; echo; echo shared > /scratch/note"],
      volumeMounts,
    };
    await kubectl.create(podManifest({ name: "volumes", image: "", spec: { containers: [main, reader], volumes } }));
    await waitForPhase(kubectl, "volumes", "Succeeded");
    assert.deepEqual(
      [await kubectl.ok(["logs", "volumes", "-c", "main"]), await kubectl.ok(["logs", "volumes", "-c", "reader"])],
      ["from the image\nblues3cret\n", "shared\n"],
    );
  });

  test("what one container writes to its root no other sees, and the image stays as it was", async () => {
    const writes = await linesOf("echo changed > /image-file; cat /image-file", { name: "writer" });
    const reads = await linesOf("cat /image-file", { name: "reader" });
    assert.deepEqual([writes, reads], [["changed"], ["from the image"]]);
  });

  test("variables come from config maps and secrets, whole and by key", async () => {
    const { kubectl } = fixture;
    await kubectl.ok(["create", "configmap", "whole", "--from-literal=FIRST=1", "--from-literal=SECOND=2"]);
    await kubectl.ok(["create", "secret", "generic", "keyed", "--from-literal=key=from-secret"]);
    const container = {
      envFrom: [{ prefix: "P_", configMapRef: { name: "whole" } }],
      env: [{ name: "KEYED", valueFrom: { secretKeyRef: { name: "keyed", key: "key" } } }],
    };
    const lines = await linesOf('echo "$P_FIRST $P_SECOND $KEYED"', { name: "env-from", container });
    assert.deepEqual(lines, ["1 2 from-secret"]);
  });

  test("a container with a missing config map waits with CreateContainerConfigError and then starts", async () => {
    const { kubectl, registries } = fixture;
    const container = { envFrom: [{ configMapRef: { name: "later" } }] };
    const image = registries.publicImage;
    await kubectl.create(podManifest({ name: "config-error", image, command: ["true"], container }));
    const reason = "{.status.containerStatuses[0].state.waiting.reason}=CreateContainerConfigError";
    const pod = await waitForField(kubectl, "config-error", reason);
    assert.equal(pod.status?.containerStatuses?.[0]?.state?.waiting?.message, 'configmap "later" not found');
    await kubectl.ok(["create", "configmap", "later", "--from-literal=A=1"]);
    await waitForPhase(kubectl, "config-error", "Succeeded");
  });

  test("the container sees its own processes and its own network only", async () => {
    const lines = await linesOf("echo $$$$; ls /sys/class/net | sort | xargs", { name: "isolated" });
    assert.deepEqual(lines, ["1", "eth0 lo"]);
  });
});

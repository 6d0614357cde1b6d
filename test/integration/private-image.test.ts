import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { openClusterFixture, type ClusterFixture } from "../../src/testing/cluster-fixture.ts";
import { PASSWORD, USER, WRONG_PASSWORD } from "../../src/testing/test-registries.ts";
import { requires } from "../../src/testing/requires.ts";
import { podManifest } from "./pod-manifest.ts";
import { eventsOf, mainStatus, messagesOf, waitForPhase, waitForReason } from "./pod-state.ts";

describe("private images", { skip: requires("root", "docker-registry", "busybox-static"), concurrency: true }, () => {
  let fixture: ClusterFixture;
  let image: string;
  before(async () => {
    fixture = await openClusterFixture();
    image = fixture.registries.privateImage;
    await createDockerSecret("myregistrykey", PASSWORD);
    await createDockerSecret("wrongpassword", WRONG_PASSWORD);
  });
  after(async () => await fixture[Symbol.asyncDispose]());

  async function createDockerSecret(name: string, password: string, namespace = "default"): Promise<string> {
    return await fixture.kubectl.ok([
      "create",
      "secret",
      "docker-registry",
      name,
      `--namespace=${namespace}`,
      `--docker-server=${fixture.registries.privateHost}`,
      `--docker-username=${USER}`,
      `--docker-password=${password}`,
      "--docker-email=user@example.com",
    ]);
  }

  async function createSecret(name: string, type: string, data: Record<string, string>): Promise<void> {
    await fixture.kubectl.create({ apiVersion: "v1", kind: "Secret", metadata: { name }, type, data });
  }

  test("a private image runs with a pull secret (seed: private-pod, private-logs, secret-reference)", async () => {
    const { kubectl } = fixture;
    const created = await kubectl.create(`
apiVersion: v1
kind: Pod
metadata:
  name: private-image-test-1
spec:
  restartPolicy: Never
  containers:
    - name: uses-private-image
      image: ${image}
      imagePullPolicy: Always
      command: [ "echo", "SUCCESS" ]
  imagePullSecrets:
    - name: myregistrykey
`);
    const pod = await waitForPhase(kubectl, "private-image-test-1", "Succeeded");
    assert.deepEqual(
      [created, await kubectl.ok(["logs", "private-image-test-1"])],
      ["pod/private-image-test-1 created\n", "SUCCESS\n"],
    );
    assert.match(mainStatus(pod).imageID ?? "", /^127\.0\.0\.1:\d+\/team\/app@sha256:[0-9a-f]{64}$/);
    assert.equal(mainStatus(pod).state?.terminated?.exitCode, 0);
  });

  test("kubectl creates the secret, of the type that pulls know (seed: secret-command)", async () => {
    const printed = await createDockerSecret("bycommand", PASSWORD);
    const type = await fixture.kubectl.ok(["get", "secret", "bycommand", "-o", "jsonpath={.type}"]);
    assert.deepEqual([printed, type], ["secret/bycommand created\n", "kubernetes.io/dockerconfigjson"]);
  });

  test("without the secret describe says what failed and what was tried (seed: private-failed, err-image-pull)", async () => {
    const { kubectl } = fixture;
    await kubectl.create(
      podManifest({ name: "without-secret", image, command: ["echo", "SUCCESS"], policy: "Always" }),
    );
    await waitForReason(kubectl, "without-secret", "ImagePullBackOff");
    const described = await kubectl.ok(["describe", "pods/without-secret"]);
    const failed = described.split("\n").filter((line) => line.includes("Failed"));
    assert.match(failed.join("\n"), /Failed to pull image "127\.0\.0\.1:\d+\/team\/app:v1": .*(401|[Uu]nauthorized)/);
    assert.match(failed.join("\n"), /anonymous/);
    assert.match(described, /Reason: +ImagePullBackOff/);
  });

  test("a wrong password is named by its secret and never printed (seed: check-secrets)", async () => {
    const { kubectl } = fixture;
    await kubectl.create(
      podManifest({ name: "wrong-password", image, policy: "Always", pullSecrets: ["wrongpassword"] }),
    );
    await waitForReason(kubectl, "wrong-password", "ImagePullBackOff");
    const [failed = ""] = await messagesOf(kubectl, "wrong-password", "Failed");
    const everything = `${await kubectl.ok(["describe", "pod", "wrong-password"])}${JSON.stringify(await eventsOf(kubectl, "wrong-password"))}`;
    assert.match(failed, /default\/wrongpassword.*(401|[Uu]nauthorized)/);
    assert.equal(everything.includes(WRONG_PASSWORD), false);
    assert.equal(everything.includes(Buffer.from(`${USER}:${WRONG_PASSWORD}`).toString("base64")), false);
  });

  test("the secret of another namespace does not help (seed: secret-namespace)", async () => {
    const { kubectl } = fixture;
    await kubectl.ok(["create", "namespace", "elsewhere"]);
    await createDockerSecret("elsewherekey", PASSWORD, "elsewhere");
    await kubectl.create(
      podManifest({ name: "foreign-secret", image, policy: "Always", pullSecrets: ["elsewherekey"] }),
    );
    await kubectl.create(
      podManifest({
        name: "own-secret",
        namespace: "elsewhere",
        image,
        command: ["true"],
        pullSecrets: ["elsewherekey"],
      }),
    );
    await waitForPhase(kubectl, "own-secret", "Succeeded", { namespace: "elsewhere" });
    await waitForReason(kubectl, "foreign-secret", "ImagePullBackOff");
    assert.deepEqual(await messagesOf(kubectl, "foreign-secret", "FailedToRetrieveImagePullSecret"), [
      "Unable to retrieve some image pull secrets (elsewherekey); attempting to pull the image may not succeed.",
    ]);
  });

  test("a service account's pull secrets come to its pods (seed: secret-service-account)", async () => {
    const { kubectl } = fixture;
    await kubectl.create({
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: "puller" },
      imagePullSecrets: [{ name: "myregistrykey" }],
    });
    const spec = { serviceAccountName: "puller" };
    await kubectl.create(podManifest({ name: "by-account", image, command: ["echo", "SUCCESS"], spec }));
    const pod = await waitForPhase(kubectl, "by-account", "Succeeded");
    assert.deepEqual(pod.spec?.imagePullSecrets, [{ name: "myregistrykey" }]);
  });

  test("two secrets serve the two registries of one pod (seed: secrets-merged)", async () => {
    const { kubectl, registries } = fixture;
    const second = { auths: { [registries.secondHost]: { username: USER, password: PASSWORD } } };
    await createSecret("secondkey", "kubernetes.io/dockerconfigjson", { ".dockerconfigjson": encode(second) });
    await kubectl.create(
      podManifest({
        name: "two-registries",
        image,
        pullSecrets: ["myregistrykey", "secondkey"],
        spec: {
          containers: [
            { name: "one", image, command: ["true"] },
            { name: "two", image: registries.secondImage, command: ["true"] },
          ],
        },
      }),
    );
    await waitForPhase(kubectl, "two-registries", "Succeeded");
  });

  test("the right one of two secrets for one registry is found (seed: secrets-merged)", async () => {
    const pullSecrets = ["wrongpassword", "myregistrykey"];
    await fixture.kubectl.create(podManifest({ name: "second-try", image, command: ["true"], pullSecrets }));
    await waitForPhase(fixture.kubectl, "second-try", "Succeeded");
  });

  test("a secret written by hand works, its auth in base64 (seed: secret-by-hand)", async () => {
    const auth = Buffer.from(`${USER}:${PASSWORD}`).toString("base64");
    const config = { auths: { [fixture.registries.privateHost]: { auth } } };
    await createSecret("byhand", "kubernetes.io/dockerconfigjson", { ".dockerconfigjson": encode(config) });
    await fixture.kubectl.create(podManifest({ name: "by-hand", image, command: ["true"], pullSecrets: ["byhand"] }));
    await waitForPhase(fixture.kubectl, "by-hand", "Succeeded");
  });

  test("a legacy dockercfg secret works (seed: secret-dockercfg)", async () => {
    const config = { [`https://${fixture.registries.privateHost}`]: { username: USER, password: PASSWORD } };
    await createSecret("legacy", "kubernetes.io/dockercfg", { ".dockercfg": encode(config) });
    await fixture.kubectl.create(podManifest({ name: "dockercfg", image, command: ["true"], pullSecrets: ["legacy"] }));
    await waitForPhase(fixture.kubectl, "dockercfg", "Succeeded");
  });

  test("a public image beside a secret for another registry needs nothing (seed: use-case-public)", async () => {
    const { kubectl, registries } = fixture;
    await kubectl.create(podManifest({ name: "public", image: registries.publicImage, command: ["echo", "PUBLIC"] }));
    await waitForPhase(kubectl, "public", "Succeeded");
    assert.equal(await kubectl.ok(["logs", "public"]), "PUBLIC\n");
  });
});

function encode(config: object): string {
  return Buffer.from(JSON.stringify(config)).toString("base64");
}

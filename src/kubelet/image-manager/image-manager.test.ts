import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import type { Container, PodSpec, PodStatus, Secret } from "../../api/core-v1.gen.ts";
import { SECRETS } from "../../api/resource-types.ts";
import { CriError } from "../../cri/cri-error.ts";
import { container, NodeFixture } from "../testing/node-fixture.ts";

const IMAGE = "r.io/private/app:1";

function refuse(users: Readonly<Record<string, string>>): (username: string) => CriError | undefined {
  return (username) => new CriError("UNAUTHENTICATED", users[username] ?? `${username} refused`);
}

function pullSecret(name: string, auths: Readonly<Record<string, unknown>>): Secret {
  const json = JSON.stringify({ auths });
  return {
    metadata: { namespace: "default", name, uid: `uid-${name}` },
    type: "kubernetes.io/dockerconfigjson",
    data: { ".dockerconfigjson": Buffer.from(json).toString("base64") },
  };
}

function podSpec(fields: Partial<Container> = {}, ...secrets: readonly string[]): Partial<PodSpec> {
  return {
    containers: [container("main", { image: IMAGE, ...fields })],
    imagePullSecrets: secrets.map((name) => ({ name })),
  };
}

function waiting({ containerStatuses }: PodStatus): { readonly reason?: string; readonly message?: string } {
  return (containerStatuses?.[0]?.state?.waiting ?? {}) as { readonly reason?: string; readonly message?: string };
}

test("the right one of several credentials is found, in the order of the secrets", async () => {
  await using node = await NodeFixture.open();
  node.client.put(SECRETS, pullSecret("a", { "r.io": { username: "wrong", password: "x" } }));
  node.client.put(SECRETS, pullSecret("b", { "r.io": { username: "right", password: "x" } }));
  node.images.answers.set(IMAGE, (user) => (user === "right" ? undefined : new CriError("UNAUTHENTICATED", "401")));
  node.addPod("app", podSpec({}, "a", "b"));
  await node.until("app", ({ phase }) => phase === "Running");
  assert.deepEqual(node.images.pulls, [`${IMAGE} wrong`, `${IMAGE} right`]);
});

test("when every credential fails an anonymous try follows and all answers are told", async () => {
  await using node = await NodeFixture.open();
  node.client.put(SECRETS, pullSecret("a", { "r.io": { username: "me", password: "hunter2" } }));
  node.client.put(SECRETS, pullSecret("b", { "https://r.io/v1/": { username: "you", password: "hunter3" } }));
  node.images.answers.set(
    IMAGE,
    refuse({ me: "401 wrong password", you: "401 wrong password", "": "401 please log in" }),
  );
  node.addPod("app", podSpec({}, "a", "b"));
  const status = await node.until("app", (now) => waiting(now).reason === "ErrImagePull");
  const answers =
    '[with secret "default/a" (entry "r.io") and with secret "default/b" (entry "https://r.io/v1/"): 401 wrong password, anonymously: 401 please log in]';
  assert.equal(waiting(status).message, answers);
  assert.deepEqual(node.events, [
    `Normal Pulling spec.containers{main} Pulling image "${IMAGE}"`,
    `Warning Failed spec.containers{main} Failed to pull image "${IMAGE}": ${answers}`,
    "Warning Failed spec.containers{main} Error: ErrImagePull",
  ]);
  assert.equal(status.phase, "Pending");
  assert.ok(!JSON.stringify(node.events).includes("hunter"));
});

test("a public image is pulled though the credentials for it are stale", async () => {
  await using node = await NodeFixture.open();
  node.client.put(SECRETS, pullSecret("a", { "r.io": { username: "stale", password: "x" } }));
  node.images.answers.set(IMAGE, (user) => (user === "" ? undefined : new CriError("UNAUTHENTICATED", "401")));
  node.addPod("app", podSpec({}, "a"));
  await node.until("app", ({ phase }) => phase === "Running");
});

test("a failed pull backs off from ten seconds on and keeps telling its cause", async () => {
  await using node = await NodeFixture.open();
  node.images.answers.set(IMAGE, refuse({ "": "401 Unauthorized" }));
  node.addPod("app", podSpec());
  await node.until("app", (now) => waiting(now).reason === "ErrImagePull");
  node.clock.advance(1000);
  const status = await node.until("app", (now) => waiting(now).reason === "ImagePullBackOff");
  const cause = '401 Unauthorized (asked anonymously: no credential is for "r.io/private/app")';
  assert.equal(waiting(status).message, `Back-off pulling image "${IMAGE}": ErrImagePull: ${cause}`);
  assert.deepEqual(node.events.slice(3), [
    `Normal BackOff spec.containers{main} Back-off pulling image "${IMAGE}"`,
    "Warning Failed spec.containers{main} Error: ImagePullBackOff",
  ]);
  assert.equal(node.images.pulls.length, 1);
  node.clock.advance(9000);
  await node.untilTrue(() => node.images.pulls.length === 2);
  node.images.answers.delete(IMAGE);
  node.clock.advance(1000);
  await node.until("app", (now) => waiting(now).reason === "ImagePullBackOff");
  node.clock.advance(20_000);
  await node.until("app", ({ phase }) => phase === "Running");
});

test("a failure that no credential would have changed is told without a word of credentials", async () => {
  await using node = await NodeFixture.open();
  node.images.answers.set(IMAGE, () => new CriError("NOT_FOUND", "no manifest for linux/amd64"));
  node.addPod("app", podSpec());
  const status = await node.until("app", (now) => waiting(now).reason === "ErrImagePull");
  assert.equal(waiting(status).message, "no manifest for linux/amd64");
});

test("a missing pull secret is told and the pull is tried without it", async () => {
  await using node = await NodeFixture.open();
  node.addPod("app", podSpec({}, "absent", "gone"));
  await node.until("app", ({ phase }) => phase === "Running");
  assert.equal(
    node.events.find((event) => event.includes("FailedToRetrieveImagePullSecret")),
    "Warning FailedToRetrieveImagePullSecret Unable to retrieve some image pull secrets (absent, gone); attempting to pull the image may not succeed.",
  );
});

test("broken secrets and entries are named in the failure, and nothing of them is quoted", async () => {
  await using node = await NodeFixture.open();
  const auths = { "r.io": { auth: "hunter2" }, "other.io": { auth: "hunter3:" } };
  node.client.put(SECRETS, pullSecret("broken", auths));
  node.client.put(SECRETS, { ...pullSecret("opaque", {}), type: "Opaque" });
  const data = { ".dockerconfigjson": Buffer.from('{"auths": hunter4').toString("base64") };
  node.client.put(SECRETS, { ...pullSecret("garbled", {}), data });
  node.images.answers.set(IMAGE, refuse({ "": "401" }));
  node.addPod("app", podSpec({}, "broken", "opaque", "garbled"));
  const { message = "" } = waiting(await node.until("app", (now) => waiting(now).reason === "ErrImagePull"));
  for (const part of [
    'entry "r.io" of secret "default/broken" ignored: "auth" ',
    'secret "default/opaque" has type "Opaque", which holds no registry credentials',
    'secret "default/garbled" is unusable: Cannot read the docker config: it is not JSON',
  ]) {
    assert.ok(message.includes(part), message);
  }
  assert.ok(!message.includes("hunter"));
});

test("Never: an absent image is not pulled, a present one is used", async () => {
  await using node = await NodeFixture.open();
  node.addPod("app", podSpec({ imagePullPolicy: "Never" }));
  const status = await node.until("app", (now) => waiting(now).reason === "ErrImageNeverPull");
  assert.equal(waiting(status).message, `Container image "${IMAGE}" is not present with pull policy of Never`);
  assert.deepEqual(node.events, [
    `Warning ErrImageNeverPull spec.containers{main} Container image "${IMAGE}" is not present with pull policy of Never`,
    "Warning Failed spec.containers{main} Error: ErrImageNeverPull",
  ]);
  node.images.load(IMAGE);
  node.clock.advance(15_000);
  await node.until("app", ({ phase }) => phase === "Running");
  assert.deepEqual(node.images.pulls, []);
});

test("IfNotPresent uses what is there, Always asks the registry each time", async () => {
  await using node = await NodeFixture.open();
  node.images.load(IMAGE);
  node.addPod("present", podSpec({ imagePullPolicy: "IfNotPresent" }));
  await node.until("present", ({ phase }) => phase === "Running");
  assert.deepEqual(node.images.pulls, []);
  assert.equal(
    node.events[0],
    `Normal Pulled spec.containers{main} Container image "${IMAGE}" already present on machine`,
  );
  node.addPod("always", podSpec({ imagePullPolicy: "Always" }));
  await node.until("always", ({ phase }) => phase === "Running");
  assert.deepEqual(node.images.pulls, [IMAGE]);
});

test("a name that does not parse is told as InvalidImageName", async () => {
  await using node = await NodeFixture.open();
  node.addPod("app", podSpec({ image: "r.io/Upper Case" }));
  const status = await node.until("app", (now) => waiting(now).reason === "InvalidImageName");
  const message =
    'Failed to apply default image tag "r.io/Upper Case": couldn\'t parse image name "r.io/Upper Case": invalid reference format';
  assert.equal(waiting(status).message, message);
  assert.deepEqual(node.events, [
    `Warning InspectFailed spec.containers{main} ${message}`,
    "Warning Failed spec.containers{main} Error: InvalidImageName",
  ]);
});

test("a runtime that names the kind of failure gets that reason", async () => {
  await using node = await NodeFixture.open();
  node.images.answers.set(IMAGE, () => new CriError("UNAVAILABLE", "RegistryUnavailable: down"));
  node.addPod("app", podSpec());
  const status = await node.until("app", (now) => waiting(now).reason === "RegistryUnavailable");
  assert.match(
    waiting(status).message ?? "",
    /^image pull failed for r\.io\/private\/app:1 because the registry is unavailable: /,
  );
});

test("credentials of the node come after the pod's own", async () => {
  await using node = await NodeFixture.open();
  const path = join(node.rootDir, "config.json");
  await writeFile(path, JSON.stringify({ auths: { "r.io": { username: "node", password: "x" } } }));
  node.client.put(SECRETS, pullSecret("a", { "r.io": { username: "pod", password: "x" } }));
  node.images.answers.set(IMAGE, (user) => (user === "node" ? undefined : new CriError("UNAUTHENTICATED", "401")));
  node.addPod("app", podSpec({}, "a"));
  await node.until("app", ({ phase }) => phase === "Running");
  assert.deepEqual(node.images.pulls, [`${IMAGE} pod`, `${IMAGE} node`]);
});

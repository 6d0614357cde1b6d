import assert from "node:assert/strict";
import { test } from "node:test";

import { debianProgram } from "./debian-program.ts";
import { startDockerRegistry } from "./docker-registry.ts";
import { buildImage, buildIndex } from "./image-builder.ts";
import { pushImage } from "./push-image.ts";
import { requires } from "./requires.ts";

test(
  "an image that was pushed is served to who knows the password",
  { skip: requires("docker-registry") },
  async () => {
    const binary = debianProgram("docker-registry", "usr/bin/docker-registry");
    await using registry = await startDockerRegistry({ binary, users: { alice: "pässword" } });
    const image = buildImage({ layers: [{ "etc/motd": "hello" }, { "bin/": "", "bin/sh": { linkTo: "busybox" } }] });
    const destination = { host: registry.host, repository: "team/app", tag: "v1" };
    await assert.rejects(pushImage(image, destination), /401/);
    const index = buildIndex([image]);
    await pushImage(index, { ...destination, username: "alice", password: "pässword" });
    const url = `http://${registry.host}/v2/team/app/manifests/v1`;
    const accept = index.descriptor.mediaType;
    assert.equal((await fetch(url, { headers: { accept } })).status, 401);
    const authorization = `Basic ${Buffer.from("alice:pässword").toString("base64")}`;
    const answer = await fetch(url, { headers: { accept, authorization } });
    assert.equal(answer.headers.get("docker-content-digest"), index.descriptor.digest);
  },
);

import assert from "node:assert/strict";
import { test } from "node:test";

import { requires } from "./requires.ts";
import { openTestRegistries, PASSWORD, USER, WRONG_PASSWORD } from "./test-registries.ts";

const skip = requires("docker-registry", "busybox-static");

test("the registries hold the image: one for everybody, two for who knows the password", { skip }, async () => {
  await using registries = await openTestRegistries();
  const statusOf = async (host: string, password?: string) => {
    const authorization = `Basic ${Buffer.from(`${USER}:${password}`).toString("base64")}`;
    const headers = {
      accept: "application/vnd.oci.image.manifest.v1+json",
      ...(password === undefined ? {} : { authorization }),
    };
    return (await fetch(`http://${host}/v2/team/app/manifests/v1`, { method: "HEAD", headers })).status;
  };
  const { publicHost, privateHost, secondHost } = registries;
  const statuses = [
    await statusOf(publicHost),
    await statusOf(privateHost),
    await statusOf(privateHost, PASSWORD),
    await statusOf(privateHost, WRONG_PASSWORD),
    await statusOf(secondHost, PASSWORD),
  ];
  assert.deepEqual(statuses, [200, 401, 200, 401, 200]);
});

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Pod } from "../../api/core-v1.gen.ts";
import { callApi } from "../../testing/api-call.ts";
import { startTestApiServer, type TestApiServer } from "../../testing/api-server.ts";
import { admissionPlugins } from "./admission-plugins.ts";

const NS = "/api/v1/namespaces/default";
let server: TestApiServer;

before(async () => {
  server = await startTestApiServer({ enableAdmissionPlugins: ["AlwaysPullImages"] });
  await callApi(server, { method: "POST", path: `${NS}/serviceaccounts`, body: { metadata: { name: "default" } } });
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

test("every image of a pod is pulled always, whatever the pod says", async () => {
  const container = { image: "b:1", imagePullPolicy: "Never" };
  const pod = {
    metadata: { name: "p" },
    spec: {
      initContainers: [{ ...container, name: "i" }],
      containers: [{ ...container, name: "c" }],
      volumes: [{ name: "v", image: { reference: "b:2", pullPolicy: "IfNotPresent" } }],
    },
  };
  const { status, body } = await callApi<Pod>(server, { method: "POST", path: `${NS}/pods`, body: pod });
  assert.equal(status, 201);
  const { initContainers = [], containers, volumes = [] } = body.spec ?? assert.fail();
  const policies = [...initContainers, ...containers].map(({ imagePullPolicy }) => imagePullPolicy);
  assert.deepEqual([...policies, volumes[0]?.image?.pullPolicy], ["Always", "Always", "Always"]);
});

test("a plug-in that does not exist is named with those that do", () => {
  assert.throws(
    () => admissionPlugins(["Nosuch"]),
    /Cannot enable admission plug-in "Nosuch": there are NamespaceLifecycle, /,
  );
});

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { test } from "node:test";

import type { Pod } from "../../api/core-v1.gen.ts";
import { systemClock } from "../../base/clock.ts";
import { silentLogger } from "../../base/log.ts";
import { parseStaticPod } from "./static-pod.ts";
import { watchStaticPods } from "./static-pods.ts";

const MANIFEST = `
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers: [{ name: main, image: r.io/app:1 }]
`;

function parse(text: string, nodeName = "Node-1"): Promise<Pod> {
  return parseStaticPod({ path: "/etc/pods/web.yaml", text, nodeName, applyDefaults: (pod) => pod });
}

test("a static pod is named after its node and bound to it", async () => {
  const pod = await parse(MANIFEST);
  const { name, namespace, annotations, uid } = pod.metadata ?? {};
  assert.deepEqual([name, namespace, pod.spec?.nodeName], ["web-node-1", "default", "Node-1"]);
  assert.equal(annotations?.["kubernetes.io/config.source"], "file");
  assert.equal(annotations?.["kubernetes.io/config.hash"], uid);
});

test("its uid follows from content and node", async () => {
  const uidOf = async (text: string, nodeName?: string) => (await parse(text, nodeName)).metadata?.uid;
  assert.equal(await uidOf(MANIFEST), await uidOf(MANIFEST));
  assert.notEqual(await uidOf(MANIFEST), await uidOf(MANIFEST.replace(":1", ":2")));
  assert.notEqual(await uidOf(MANIFEST), await uidOf(MANIFEST, "node-2"));
});

test("JSON is read too, and what is no pod is refused with its path", async () => {
  const json = JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "j" }, spec: { containers: [] } });
  assert.equal((await parse(json)).metadata?.name, "j-node-1");
  for (const text of [
    "",
    "[",
    "kind: Pod",
    "apiVersion: v1\nkind: Secret",
    "{",
    MANIFEST.replace("name: web", "x: y"),
  ]) {
    await assert.rejects(parse(text), /Cannot use the static pod "\/etc\/pods\/web.yaml"/);
  }
});

test("the directory is watched: files come, change and go, and a broken one leaves the others", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "static-pods-"));
  t.after(() => rm(directory, { recursive: true }));
  const stop = new AbortController();
  const seen: string[] = [];
  const watching = watchStaticPods({
    directory,
    nodeName: "n",
    applyDefaults: (pod) => pod,
    onChange: (pods) =>
      seen.push(pods.map(({ spec, metadata }) => `${metadata?.name} ${spec?.containers[0]?.image}`).join()),
    clock: systemClock,
    logger: silentLogger,
    signal: stop.signal,
  });
  const until = async (wanted: string) => {
    while (seen.at(-1) !== wanted) await delay(5);
  };
  await until("");
  await writeFile(join(directory, "web.yaml"), MANIFEST);
  await until("web-n r.io/app:1");
  await writeFile(join(directory, "broken.yaml"), "{{");
  await writeFile(join(directory, ".hidden.yaml"), MANIFEST.replace("web", "hidden"));
  await writeFile(join(directory, "web.yaml"), MANIFEST.replace(":1", ":2"));
  await until("web-n r.io/app:2");
  await rm(join(directory, "web.yaml"));
  await until("");
  stop.abort();
  await watching;
});

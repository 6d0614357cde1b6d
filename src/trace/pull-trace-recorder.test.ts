import assert from "node:assert/strict";
import { test } from "node:test";

import { causeOfError } from "./cause-of-error.ts";
import { PullTraceLog } from "./pull-trace-recorder.ts";

test("a trace tells layers, requests and outcome, and does not change once taken", () => {
  const log = new PullTraceLog();
  const recorder = log.begin("p1", "busybox");
  recorder.layers([
    { digest: "a", size: 10, present: true },
    { digest: "b", size: 20, present: false },
  ]);
  recorder.layerState("b", "downloading");
  const taken = log.find("p1");
  recorder.layerBytes("b", 20);
  recorder.layerState("b", "done");
  recorder.pulled("sha256:x");
  assert.deepEqual(
    taken?.layers.map((layer) => [layer.state, layer.downloadedBytes]),
    [
      ["present", 10],
      ["downloading", 0],
    ],
  );
  const end = log.find("p1");
  assert.deepEqual(
    end?.layers.map((layer) => [layer.state, layer.downloadedBytes]),
    [
      ["present", 10],
      ["done", 20],
    ],
  );
  assert.deepEqual(end?.outcome, { kind: "pulled", imageRef: "sha256:x" });
});

test("the log forgets the oldest pulls and the oldest requests", () => {
  const log = new PullTraceLog(2);
  for (const id of ["a", "b", "c"]) log.begin(id, id);
  assert.equal(log.find("a"), undefined);
  assert.equal(log.find("c")?.image, "c");
  const recorder = log.begin("d", "d");
  for (let i = 0; i < 1000; i++) recorder.request({ method: "GET", url: String(i), durationMs: 1 });
  assert.equal(log.find("d")?.requests.length, 200);
  assert.equal(log.find("d")?.requests.at(-1)?.url, "999");
});

test("a cause is found by the code of an error or of what caused it", () => {
  const refused = Object.assign(new Error("x"), { code: "CREDENTIAL_REFUSED" });
  assert.equal(causeOfError(refused), "CredentialRefused");
  assert.equal(causeOfError(new Error("outer", { cause: refused })), "CredentialRefused");
  assert.equal(causeOfError(Object.assign(new Error("x"), { code: "ENOSPC" })), "NoSpace");
  assert.equal(causeOfError("text"), "Unknown");
});

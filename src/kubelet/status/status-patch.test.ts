import assert from "node:assert/strict";
import { test } from "node:test";

import { statusPatch } from "./status-patch.ts";

test("equal statuses need no patch, keys without a value count for nothing", () => {
  assert.equal(statusPatch({ phase: "Running", reason: undefined }, { phase: "Running" }), undefined);
});

test("only what changed is sent, and what is gone is removed", () => {
  const from = { phase: "Pending", hostIP: "1.2.3.4", message: "old" };
  assert.deepEqual(statusPatch(from, { phase: "Running", hostIP: "1.2.3.4" }), { phase: "Running", message: null });
});

test("a changed list of addresses replaces the old one, which the API would otherwise merge", () => {
  assert.deepEqual(statusPatch({ podIPs: [{ ip: "a" }] }, { podIPs: [{ ip: "b" }] }), {
    podIPs: [{ ip: "b" }, { $patch: "replace" }],
  });
  assert.deepEqual(statusPatch({}, { podIPs: [{ ip: "b" }] }), { podIPs: [{ ip: "b" }] });
});

test("what a condition no longer says is removed, since conditions are merged field by field", () => {
  const before = [{ type: "Ready", status: "False", reason: "ContainersNotReady", message: "m" }];
  assert.deepEqual(statusPatch({ conditions: before }, { conditions: [{ type: "Ready", status: "True" }] }), {
    conditions: [{ type: "Ready", status: "True", reason: null, message: null }],
  });
});

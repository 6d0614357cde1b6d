import assert from "node:assert/strict";
import { test } from "node:test";

import type { NodeStatus } from "../../api/core-v1.gen.ts";
import { createNodeEvents } from "./node-events.ts";

test("each condition that changed is told once", () => {
  const told: string[] = [];
  const events = createNodeEvents(
    { record: (_, { reason, message }) => void told.push(`${reason}: ${message}`) },
    "n1",
  );
  const status = (ready: string): NodeStatus => ({
    conditions: [
      { type: "DiskPressure", status: "False" },
      { type: "Ready", status: ready },
    ],
  });
  events.changed(undefined, status("False"));
  events.changed(status("False"), status("False"));
  events.changed(status("False"), status("True"));
  events.changed(status("Unknown"), status("True"));
  assert.deepEqual(told, [
    "NodeHasNoDiskPressure: Node n1 status is now: NodeHasNoDiskPressure",
    "NodeNotReady: Node n1 status is now: NodeNotReady",
    "NodeReady: Node n1 status is now: NodeReady",
    "NodeReady: Node n1 status is now: NodeReady",
  ]);
});

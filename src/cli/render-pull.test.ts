import assert from "node:assert/strict";
import { test } from "node:test";

import type { LayerTrace, PullTrace } from "../trace/pull-trace.ts";
import { renderPull } from "./render-pull.ts";

const MIB = 1024 * 1024;

function layer(name: string, fields: Partial<LayerTrace>): LayerTrace {
  return { digest: `sha256:${name.repeat(64)}`, size: 100 * MIB, state: "waiting", downloadedBytes: 0, ...fields };
}

const TRACE: PullTrace = {
  pullId: "p",
  image: "registry.example/app:v1",
  startedAt: 0,
  platform: "linux/amd64",
  requests: [],
  layers: [
    layer("a", { state: "present", downloadedBytes: 100 * MIB }),
    layer("b", { state: "downloading", downloadedBytes: 50 * MIB, startedAt: 0 }),
    layer("c", { state: "done", downloadedBytes: 100 * MIB, startedAt: 0, finishedAt: 1500 }),
    layer("d", {}),
  ],
};

test("a pull shows what it is, each layer's bytes and speed, and the time left", () => {
  assert.deepEqual(renderPull(TRACE, { columns: 200, rows: 24, now: 2000 }), [
    "registry.example/app:v1  linux/amd64  4 layers, 400.0 MiB  (1 here already)",
    " aaaaaaaaaaaa  ████████████████████████  100.0 MiB  here already",
    " bbbbbbbbbbbb  ████████████░░░░░░░░░░░░  50.0 MiB / 100.0 MiB  25.0 MiB/s",
    " cccccccccccc  ████████████████████████  100.0 MiB  done in 1.5 s",
    " dddddddddddd  ░░░░░░░░░░░░░░░░░░░░░░░░  100.0 MiB  waiting",
    " total         ███████████████░░░░░░░░░  62 %  2.0 s left",
  ]);
});

test("where there is little room the layers at work are shown, and no line is wider than the terminal", () => {
  const lines = renderPull(TRACE, { columns: 40, rows: 6, now: 2000 });
  assert.deepEqual(
    lines.map((line) => line.slice(0, 13).trim()),
    ["registry.exam", "bbbbbbbbbbbb", "dddddddddddd", "… and 2 more", "total"],
  );
  assert.ok(lines.every((line) => line.length < 40));
});

test("a finished pull shows how long it took, and one that has no layers yet that it resolves", () => {
  const finished = renderPull({ ...TRACE, finishedAt: 3000 }, { columns: 200, rows: 24, now: 9000 });
  assert.match(finished.at(-1) ?? "", / 3\.0 s$/);
  const empty = renderPull({ ...TRACE, layers: [] }, { columns: 200, rows: 24, now: 0 });
  assert.deepEqual(empty, ["registry.example/app:v1  resolving"]);
});

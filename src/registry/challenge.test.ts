import assert from "node:assert/strict";
import { test } from "node:test";

import { parseChallenges } from "./challenge.ts";

const show = (header: string | string[]) =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

test("challenges are parsed: quotes, escapes, commas, several in one header and many headers", () => {
  assert.deepEqual(show('Bearer realm="https://a/t",service="x, y",scope="repository:a:pull,push"'), [
    ["bearer", { realm: "https://a/t", service: "x, y", scope: "repository:a:pull,push" }],
  ]);
  assert.deepEqual(show('Basic realm="a \\"b\\" c", BEARER Realm=token ,error="insufficient_scope"'), [
    ["basic", { realm: 'a "b" c' }],
    ["bearer", { realm: "token", error: "insufficient_scope" }],
  ]);
  assert.deepEqual(show(["Basic", "Negotiate", 'Bearer realm = "x"']), [
    ["basic", {}],
    ["negotiate", {}],
    ["bearer", { realm: "x" }],
  ]);
});

test("nonsense gives no challenge and takes no time", () => {
  assert.deepEqual(show(""), []);
  assert.deepEqual(show('="x"'), []);
  const started = performance.now();
  show(`Bearer ${'realm="'.repeat(100_000)}`);
  show(" ,".repeat(200_000));
  assert.ok(performance.now() - started < 500);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { isTrue, parseRequestTarget } from "./request-target.ts";

const parse = (method: string, url: string) => {
  const [path = "", query = ""] = url.split("?");
  return parseRequestTarget(method, path, new URLSearchParams(query));
};

const CASES: readonly [string, string, object][] = [
  ["GET", "/api/v1/pods", { group: "", version: "v1", resource: "pods", verb: "list" }],
  ["GET", "/api/v1/pods?watch=1", { group: "", version: "v1", resource: "pods", verb: "watch" }],
  ["POST", "/api/v1/namespaces/a/pods", { group: "", version: "v1", namespace: "a", resource: "pods", verb: "create" }],
  ["GET", "/api/v1/namespaces/a", { group: "", version: "v1", resource: "namespaces", name: "a", verb: "get" }],
  [
    "PUT",
    "/api/v1/namespaces/a/finalize",
    { group: "", version: "v1", resource: "namespaces", name: "a", subresource: "finalize", verb: "update" },
  ],
  [
    "PATCH",
    "/api/v1/namespaces/a/pods/b/status",
    { group: "", version: "v1", namespace: "a", resource: "pods", name: "b", subresource: "status", verb: "patch" },
  ],
  [
    "DELETE",
    "/apis/g.example/v1/namespaces/a/things",
    { group: "g.example", version: "v1", namespace: "a", resource: "things", verb: "deletecollection" },
  ],
  [
    "DELETE",
    "/apis/g.example/v1/things/b/",
    { group: "g.example", version: "v1", resource: "things", name: "b", verb: "delete" },
  ],
  [
    "GET",
    "/api/v1/namespaces/a/pods/b%20c",
    { group: "", version: "v1", namespace: "a", resource: "pods", name: "b c", verb: "get" },
  ],
];

test("a path names a resource by group, version, namespace, name and subresource", () => {
  for (const [method, url, expected] of CASES) {
    assert.deepEqual(parse(method, url), { kind: "resource", ...expected }, url);
  }
});

test("everything else is a path", () => {
  for (const path of [
    "/",
    "/api",
    "/api/v1",
    "/apis",
    "/apis/g",
    "/apis/g/v1",
    "/healthz",
    "/apiserver/v1/pods",
    "/api/v1/namespaces//pods",
  ]) {
    assert.equal(parse("GET", path).kind, "path", path);
  }
});

test("a segment that cannot be decoded, or would lead elsewhere, is a bad request", () => {
  for (const segment of ["%zz", "a%2Fb", "a%00"]) {
    assert.throws(() => parse("GET", `/api/v1/pods/${segment}`), { name: "StatusError", code: "BadRequest" }, segment);
  }
});

test("booleans are read as Go reads them", () => {
  const texts = ["1", "t", "T", "TRUE", "true", "True", "0", "false", "yes", "", null];
  assert.deepEqual(texts.map(isTrue), [true, true, true, true, true, true, false, false, false, false, false]);
});

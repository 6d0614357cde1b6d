import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { compareIndexKeys, indexKeyOf, isDefaultRegistry, matchesRepository } from "./match.ts";

const MATCHES: readonly (readonly [key: string, repository: string, expected: boolean])[] = [
  ["*.kubernetes.io", "prefix.kubernetes.io", true],
  ["prefix.*.io", "prefix.kubernetes.io", true],
  ["prefix.kubernetes.*", "prefix.kubernetes.io", true],
  ["*-good.kubernetes.io", "prefix-good.kubernetes.io", true],
  ["prefix-*.kubernetes.io", "prefix-good.kubernetes.io", true],
  ["pr*fix.kubernetes.io", "prefix.kubernetes.io", true],
  ["app?.k8s.io", "app1.k8s.io/x", true],
  ["app[0-9].k8s.io", "app7.k8s.io/x", true],
  ["app[^0-9].k8s.io", "app7.k8s.io/x", false],
  ["app[.k8s.io", "app[.k8s.io/x", false],
  ["*.io", "kubernetes.io/pause", true],
  ["*.io", "registry.kubernetes.io/pause", false],
  ["*.*", "kubernetes.io/pause", true],
  ["*kubernetes.io", "registry.kubernetes.io", false],
  ["*.kubernetes.io", "kubernetes.com", false],
  ["*.kubernetes.io", "kubernetes.io", false],
  ["kubernetes.io", "kubernetes.io:5000/x", false],
  ["kubernetes.io:443", "kubernetes.io/x", false],
  ["kubernetes.io:5000", "kubernetes.io:5000/x", true],
  ["*.kubernetes.io:5000", "a.kubernetes.io:5000/x", true],
  ["kubernetes.io:*", "kubernetes.io:5000/x", false],
  ["kubernetes.io/foo", "kubernetes.io/foobar/x", true],
  ["kubernetes.io/foo", "kubernetes.io/bar/x", false],
  ["kubernetes.io/*/x", "kubernetes.io/foo/x", false],
  ["127.0.0.1:5000", "127.0.0.1:5000/app", true],
  ["[::1]:5000", "[::1]:5000/app", true],
  ["localhost", "localhost/app", true],
];

for (const [key, repository, expected] of MATCHES) {
  test(`key ${key} ${expected ? "matches" : "does not match"} repository ${repository}`, () => {
    assert.equal(matchesRepository(key, repository), expected);
  });
}

const INDEX_KEYS: readonly (readonly [key: string, expected: string | undefined])[] = [
  ["https://index.docker.io/v1/", "index.docker.io"],
  ["https://index.docker.io/v1", "index.docker.io/v1"],
  ["http://registry.example/v2/team", "registry.example/team"],
  ["registry.example/v1/", "registry.example"],
  ["registry.example:5000", "registry.example:5000"],
  ["registry.example/team/app", "registry.example/team/app"],
  ["*.registry.example", "*.registry.example"],
  ["registry.example:port", undefined],
  ["registry example", undefined],
];

for (const [key, expected] of INDEX_KEYS) {
  test(`the index form of key ${key} is ${expected}`, () => {
    assert.equal(indexKeyOf(key), expected);
  });
}

test("keys are tried longer path first and literal before glob", () => {
  const keys = ["*.example.com", "a.example.com", "a.example.com/team", "a.example.com/team/app"];
  assert.deepEqual(keys.toSorted(compareIndexKeys), [
    "a.example.com/team/app",
    "a.example.com/team",
    "a.example.com",
    "*.example.com",
  ]);
});

test("images without a registry host belong to the default registry, localhost does not", () => {
  const images = ["busybox", "library/busybox", "docker.io/library/busybox", "index.docker.io/x", "quay.io/x"];
  assert.deepEqual(images.filter(isDefaultRegistry), images.slice(0, 4));
  assert.deepEqual(["localhost/x", "host:5000/x"].filter(isDefaultRegistry), []);
});

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/);

test("a literal key matches its own host and any path below it", () => {
  fc.assert(
    fc.property(fc.array(label, { minLength: 1, maxLength: 4 }), fc.array(label, { maxLength: 3 }), (host, path) => {
      const key = host.join(".");
      assert.ok(matchesRepository(key, [key, ...path].join("/")));
    }),
  );
});

test("a star for one label matches that label whatever it is, and never another number of labels", () => {
  fc.assert(
    fc.property(fc.array(label, { minLength: 2, maxLength: 5 }), fc.nat(), (labels, seed) => {
      const at = seed % labels.length;
      const key = labels.with(at, "*").join(".");
      assert.ok(matchesRepository(key, `${labels.join(".")}/app`));
      assert.ok(!matchesRepository(key, `extra.${labels.join(".")}/app`));
    }),
  );
});

test("a hostile glob does not take exponential time", () => {
  const started = performance.now();
  assert.equal(matchesRepository(`${"a*".repeat(2000)}b`, `${"a".repeat(4000)}/x`), false);
  assert.ok(performance.now() - started < 2000);
});

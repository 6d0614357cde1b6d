import assert from "node:assert/strict";
import { test } from "node:test";

import { applyDefaultTag, formatReference, parseReference, withDefaultTag } from "./reference.ts";

const HEX = "0123456789abcdef".repeat(4);
const DIGEST = `sha256:${HEX}`;

const normalised: readonly (readonly [string, string])[] = [
  ["busybox", "docker.io/library/busybox"],
  ["busybox:1", "docker.io/library/busybox:1"],
  ["localhost:5000", "docker.io/library/localhost:5000"],
  ["localhost/x", "localhost/x"],
  ["LOCALHOST/x", "LOCALHOST/x"],
  ["localhost:5000/x:y", "localhost:5000/x:y"],
  ["index.docker.io/busybox", "docker.io/library/busybox"],
  ["docker.io/busybox", "docker.io/library/busybox"],
  ["docker.io/a/b:c", "docker.io/a/b:c"],
  ["a/b", "docker.io/a/b"],
  ["Foo/bar", "Foo/bar"],
  ["[::1]:5000/a/b", "[::1]:5000/a/b"],
  ["[2001:db8::1]/repo:tag", "[2001:db8::1]/repo:tag"],
  ["127.0.0.1:5000/team/app", "127.0.0.1:5000/team/app"],
  ["quay.io/a__b/c-d/e.f", "quay.io/a__b/c-d/e.f"],
  ["xn--n3h.com/myimage:xn--n3h.com", "xn--n3h.com/myimage:xn--n3h.com"],
  [`busybox@${DIGEST}`, `docker.io/library/busybox@${DIGEST}`],
  [`busybox:1@${DIGEST}`, `docker.io/library/busybox:1@${DIGEST}`],
  ["test_com/foo", "docker.io/test_com/foo"],
  ["registry-1.docker.io/x/y", "registry-1.docker.io/x/y"],
  ["foo/foo_bar.com:8080", "docker.io/foo/foo_bar.com:8080"],
];

for (const [text, expected] of normalised) {
  test(`reference ${text} means ${expected}`, () => {
    const reference = parseReference(text);
    assert.equal(formatReference(reference), expected);
    assert.deepEqual(parseReference(expected), reference);
  });
}

const refused = [
  "",
  ":justtag",
  `@${DIGEST}`,
  "repo@sha256:ffff",
  `repo@sha256:${HEX.toUpperCase()}`,
  `repo@md5:${HEX}`,
  `validname@invalidDigest:${HEX}`,
  "Uppercase:tag",
  "a/Uppercase/x",
  "-foo/bar",
  "foo/bar-",
  "foo//bar",
  "foo/.bar",
  "a___b",
  "aa/asdf$$^/aa",
  "[::1%eth0]:5000/x",
  "[fe80::1]x/y",
  "::ffff:1.2.3.4/x",
  "repo:tag:tag",
  `${"a/".repeat(128)}a`,
  `repo:${"t".repeat(129)}`,
  HEX,
  "repo name",
  "repo\0",
  "a/b\n",
  "example.com:port/x",
];

for (const text of refused) {
  test(`reference ${JSON.stringify(text).slice(0, 60)} is refused`, () => {
    assert.throws(() => parseReference(text), {
      name: "OciError",
      code: "REFERENCE_INVALID",
      message: /invalid reference format/,
    });
  });
}

test("an upper-case repository is refused with the place of the fault", () => {
  assert.throws(() => parseReference("quay.io/team/App:1"), {
    message:
      'Cannot parse image name "quay.io/team/App:1": invalid reference format: repository name must be lowercase, and "App" is not',
  });
});

test("the default tag is added only where there is neither tag nor digest", () => {
  assert.equal(withDefaultTag(parseReference("busybox")).tag, "latest");
  assert.equal(withDefaultTag(parseReference(`busybox@${DIGEST}`)).tag, undefined);
  assert.equal(applyDefaultTag("busybox"), "busybox:latest");
  assert.equal(applyDefaultTag("busybox:1"), "busybox:1");
});

test("a long hostile reference is refused quickly", () => {
  const started = performance.now();
  for (const text of [`${"a-".repeat(900)}!`, `${"-".repeat(1900)}/a`, `${"a.".repeat(900)}:x/y`]) {
    assert.throws(() => parseReference(text));
  }
  assert.ok(performance.now() - started < 200);
});

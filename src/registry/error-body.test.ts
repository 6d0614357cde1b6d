import assert from "node:assert/strict";
import { test } from "node:test";

import { readErrorBody, sanitize } from "./error-body.ts";

test("the first error of a registry's or token service's answer is read", () => {
  const errors = { errors: [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }, { code: "X" }] };
  assert.deepEqual(readErrorBody(JSON.stringify(errors)), { code: "MANIFEST_UNKNOWN", text: "manifest unknown" });
  assert.deepEqual(
    readErrorBody('{"details":"incorrect username or password"}').text,
    "incorrect username or password",
  );
  for (const other of ["", "<html>", "null", "[]", '{"errors":[null]}', '{"errors":[{"code":1,"message":{}}]}']) {
    assert.deepEqual(readErrorBody(other), { code: "", text: "" });
  }
});

test("what a registry says is one short line without secrets", () => {
  assert.equal(sanitize("a\nb\u001b[31m\u202ec"), "a b [31m c");
  assert.equal(sanitize("x".repeat(1000).replaceAll("x", "y ")).length, 256);
  assert.equal(sanitize("see https://u:p@h/x?sig=abc ok"), "see https://<redacted>@h/x?<redacted> ok");
  assert.equal(sanitize("Bearer abcdef123456 is bad"), "Bearer <redacted> is bad");
  assert.equal(sanitize(`token ${"A1".repeat(40)} bad`), "token <redacted> bad");
  const digest = `sha256:${"ab".repeat(32)}`;
  assert.equal(sanitize(`unknown ${digest}`), `unknown ${digest}`);
});

import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";

import { Secret } from "./secret.ts";

test("a secret prints as <redacted> whichever way it is turned into text", () => {
  const secret = new Secret("hunter2");
  const texts = [String(secret), "".concat(String(secret)), JSON.stringify({ secret }), inspect({ deep: { secret } })];
  for (const text of texts) {
    assert.match(text, /<redacted>/);
    assert.doesNotMatch(text, /hunter2/);
  }
});

test("a secret gives its value where it is asked for", () => {
  assert.equal(new Secret("hunter2").reveal(), "hunter2");
});

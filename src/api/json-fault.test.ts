import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as check, jsonValue, nat, property, string } from "fast-check";
import { jsonFaultOffset } from "./json-fault.ts";

test("the offset of the first fault is found", () => {
  const cases: Record<string, number> = {
    "": 0,
    " ": 1,
    "{": 1,
    '{"a":': 5,
    '{"a":hunter2}': 5,
    '{"a":1,}': 7,
    "[1,]": 3,
    "[1 2]": 3,
    "01": 1,
    "{} x": 3,
    UmVhbGx5: 0,
    nul: 0,
    '["a\nb"]': 1,
    "{1:2}": 1,
    '{"a" 1}': 5,
    "[}": 1,
  };
  assert.deepEqual(Object.fromEntries(Object.keys(cases).map((text) => [text, jsonFaultOffset(text)])), cases);
});

test("exactly the texts that JSON.parse takes have no fault", () => {
  const parses = (text: string): boolean => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  check(
    property(jsonValue(), nat(), string({ maxLength: 2 }), (value, place, noise) => {
      const text = JSON.stringify(value);
      const at = place % (text.length + 1);
      const noisy = text.slice(0, at) + noise + text.slice(at);
      assert.equal(jsonFaultOffset(noisy) === undefined, parses(noisy), noisy);
      assert.equal(jsonFaultOffset(text), undefined, text);
    }),
    { numRuns: 500 },
  );
});

test("long texts cost no more than their length", () => {
  assert.equal(jsonFaultOffset(`["${"a".repeat(2_000_000)}"`), 2_000_003);
  assert.equal(jsonFaultOffset(`"${"\\n".repeat(1_000_000)}`), 0);
  assert.equal(jsonFaultOffset("[".repeat(1_000_000)), 1_000_000);
});

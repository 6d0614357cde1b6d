import assert from "node:assert/strict";
import { test } from "node:test";

import { expandVariables } from "./expansion.ts";

const VARIABLES: ReadonlyMap<string, string> = new Map([
  ["VAR_A", "A"],
  ["VAR_B", "B"],
  ["VAR_EMPTY", ""],
  ["VAR_REF", "$(VAR_A)"],
]);

// The cases of Kubernetes' own table for this syntax.
const CASES: readonly (readonly [text: string, expected: string])[] = [
  ["$(VAR_A)", "A"],
  ["___$(VAR_B)___", "___B___"],
  ["___$(VAR_C)", "___$(VAR_C)"],
  ["$(VAR_A)-$(VAR_B)", "A-B"],
  ["$(VAR_EMPTY)x", "x"],
  ["$(VAR_REF)", "$(VAR_A)"],
  ["$$(VAR_A)_$(VAR_A)", "$(VAR_A)_A"],
  ["$$$(VAR_A)", "$A"],
  ["$$$$(VAR_A)", "$$(VAR_A)"],
  ["$$$$$$(VAR_A)", "$$$(VAR_A)"],
  ["$VAR_A", "$VAR_A"],
  ["$(VAR_A", "$(VAR_A"],
  ["$", "$"],
  ["$$", "$"],
  ["$()", "$()"],
  ["$(VAR_A))", "A)"],
  ["foo$?bar", "foo$?bar"],
];

for (const [text, expected] of CASES) {
  test(`${text} expands to ${expected}`, () => {
    assert.equal(
      expandVariables(text, (name) => VARIABLES.get(name)),
      expected,
    );
  });
}

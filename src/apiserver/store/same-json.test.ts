import assert from "node:assert/strict";
import { test } from "node:test";
import { isSameJson } from "./same-json.ts";

test("values are the same whatever the order of their fields, and with undefined ones or without", () => {
  const same: [unknown, unknown][] = [
    [
      { a: 1, b: [{ c: "x" }] },
      { b: [{ c: "x" }], a: 1 },
    ],
    [{ a: undefined, b: 1 }, { b: 1 }],
    [{ b: 1 }, { a: undefined, b: 1 }],
    [null, null],
    [[], []],
  ];
  for (const [a, b] of same) assert.equal(isSameJson(a, b), true, JSON.stringify([a, b]));
});

test("values differ by a field, an element, an order of elements or a type", () => {
  const different: [unknown, unknown][] = [
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, {}],
    [{}, { a: 1 }],
    [
      [1, 2],
      [2, 1],
    ],
    [[1], [1, 2]],
    [{}, []],
    [null, {}],
    ["1", 1],
    [{ a: null }, {}],
  ];
  for (const [a, b] of different) assert.equal(isSameJson(a, b), false, JSON.stringify([a, b]));
});

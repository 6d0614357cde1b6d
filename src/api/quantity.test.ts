import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as check, constantFrom, integer, property } from "fast-check";
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  parseQuantity,
  quantityMilliValue,
  quantityValue,
} from "./quantity.ts";

test("quantities are written in the largest unit without a fraction", () => {
  const cases: Record<string, string> = {
    "0": "0",
    "0.5": "500m",
    "1.5Gi": "1536Mi",
    "1024Ki": "1Mi",
    "1Ki": "1Ki",
    "1000Ki": "1000Ki",
    "0.5Ki": "512",
    "100m": "100m",
    "1000m": "1",
    "12e6": "12e6",
    "1E3": "1e3",
    "1E": "1E",
    "2048": "2048",
    "123456789012": "123456789012",
    "3000000": "3M",
    "0.0000000001": "1n",
    "-1.5k": "-1500",
    "+.5": "500m",
    "5.": "5",
    "1e100": "9223372036854775807",
  };
  assert.deepEqual(Object.fromEntries(Object.keys(cases).map((text) => [text, canonicalQuantity(text)])), cases);
});

test("texts that are no quantity are refused in Kubernetes' words", () => {
  const words = /^RangeError: quantities must match the regular expression/;
  for (const text of ["", "one", "1 Gi", "1.5Gib", "--1", "0x10", `1${"0".repeat(200)}`]) {
    assert.throws(() => parseQuantity(text), words, text);
  }
  assert.throws(() => parseQuantity("1.2.3"), /unable to parse numeric part of quantity/);
  assert.throws(() => parseQuantity("1KK"), /unable to parse quantity's suffix/);
});

test("an absurd exponent costs no time", () => {
  assert.equal(quantityValue("1e-999999999"), 1);
  assert.ok(quantityValue("1e999999999") > 9e18);
});

test("comparing, adding and rounding are exact", () => {
  assert.equal(compareQuantities("0.1", "100m"), 0);
  assert.equal(compareQuantities("1Ki", "1k"), 1);
  assert.equal(addQuantities("0", "1Gi"), "1Gi");
  assert.equal(addQuantities("100m", "0.2"), "300m");
  assert.equal(quantityMilliValue("1500u"), 2);
  assert.equal(quantityValue("1500m"), 2);
});

test("the canonical text means the same and stays as it is", () => {
  const suffix = constantFrom("", "m", "k", "M", "Ki", "Mi", "Gi", "e3", "n", "u");
  check(
    property(integer({ min: -1_000_000, max: 1_000_000 }), suffix, (number, unit) => {
      const text = `${number}${unit}`;
      const canonical = canonicalQuantity(text);
      assert.equal(compareQuantities(text, canonical), 0);
      assert.equal(canonicalQuantity(canonical), canonical);
    }),
  );
});

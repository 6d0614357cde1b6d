import assert from "node:assert/strict";
import { test } from "node:test";

import { assert as assertProperty, jsonValue, property } from "fast-check";

import { parseStrictJson } from "./strict-json.ts";

const parse = (text: string) => parseStrictJson(Buffer.from(text));

test("what JSON.stringify writes is read back", () => {
  const isExact = (text: string) => !/(?:^|[[:,])-?\d{16,}/.test(text);
  assertProperty(
    property(
      jsonValue()
        .map((value) => JSON.stringify(value))
        .filter(isExact),
      (text) => {
        assert.equal(JSON.stringify(parse(text)), JSON.stringify(JSON.parse(text)));
      },
    ),
    { numRuns: 300 },
  );
});

const refused: readonly (readonly [string, string | Uint8Array])[] = [
  ["a key twice", '{"a":1,"a":2}'],
  ["a key twice, once escaped", '{"a":1,"\\u0061":2}'],
  ["a byte order mark", "\ufeff{}"],
  ["invalid UTF-8", Uint8Array.of(0x22, 0xc3, 0x28, 0x22)],
  ["an integer above 2^53", "9007199254740993"],
  ["a number without end", "1e999"],
  ["65 levels", "[".repeat(66) + "]".repeat(66)],
  ["a comma too many", "[1,]"],
  ["text after the value", "{} {}"],
  ["a raw line break in a string", '"a\nb"'],
  ["a leading zero", "01"],
  ["nothing", ""],
  ["a comment", "/* */ 1"],
  ["a bad escape", '"\\x"'],
];

for (const [what, text] of refused) {
  test(`${what} is refused`, () => {
    const bytes = typeof text === "string" ? Buffer.from(text) : text;
    assert.throws(() => parseStrictJson(bytes), { code: "DOCUMENT_INVALID" });
  });
}

test("__proto__ is a key like any other", () => {
  const object = parse('{"__proto__":{"admin":true}}');
  assert.deepEqual(Object.keys(object as object), ["__proto__"]);
  assert.equal((object as { admin?: unknown }).admin, undefined);
});

test("a hostile document does not exhaust the stack", () => {
  assert.throws(() => parse("[".repeat(1_000_000)), { code: "DOCUMENT_INVALID" });
  assert.equal((parse(`"${"a".repeat(3_000_000)}"`) as string).length, 3_000_000);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { matchesFields, parseFieldSelector } from "./field-selector.ts";
import { matchesLabels, parseLabelSelector } from "./label-selector.ts";

const labels = { app: "web", tier: "front", "example.com/n": "12" };

test("label selectors select what kubectl's -l means", () => {
  const selected = [
    "",
    "app",
    "app=web",
    "app == web",
    "app!=db",
    "!canary",
    "tier in (back, front)",
    "tier notin (back)",
  ];
  const refused = [
    "!app",
    "app=db",
    "canary",
    "app!=web",
    "tier in (back)",
    "tier notin (front,back)",
    "app=web,canary",
  ];
  const numbers = ["example.com/n>11", "example.com/n<13"];
  for (const text of [...selected, ...numbers]) assert.ok(matchesLabels(parseLabelSelector(text), labels), text);
  for (const text of refused) assert.ok(!matchesLabels(parseLabelSelector(text), labels), text);
});

test("an empty value is a value", () => {
  assert.deepEqual(parseLabelSelector("a=,b in (,c)"), [
    { key: "a", operator: "In", values: [""] },
    { key: "b", operator: "In", values: ["", "c"] },
  ]);
});

test("label selectors that do not parse are refused", () => {
  for (const text of ["a=b c", "a in b", "=b", "a in (b", "a b", ",", "a/b/c=d", "a=b!", "a>x", "a=b,"]) {
    assert.throws(() => parseLabelSelector(text), { code: "BadRequest" }, text);
  }
});

test("field selectors know = == and != and escapes", () => {
  const fields = { "spec.nodeName": "a", "status.phase": "Running", note: "x,y=z" };
  const matches = (text: string): boolean => matchesFields(parseFieldSelector(text), fields);
  assert.ok(matches("spec.nodeName=a,status.phase!=Pending"));
  assert.ok(matches("spec.nodeName==a"));
  assert.ok(matches("note=x\\,y\\=z"));
  assert.ok(!matches("spec.nodeName!=a"));
  assert.ok(!matches("spec.nodeName="));
  assert.throws(() => matches("spec.colour=red"), { message: "field label not supported: spec.colour" });
  assert.throws(() => parseFieldSelector("spec.nodeName"), { code: "BadRequest" });
});

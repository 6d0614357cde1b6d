import assert from "node:assert/strict";
import { test } from "node:test";
import {
  configMapKeyFaults,
  dns1035LabelFaults,
  dnsLabelFaults,
  dnsSubdomainFaults,
  envVarNameFaults,
  type Faults,
  labelKeyFaults,
  labelValueFaults,
  portNameFaults,
} from "./names.ts";

const RULES: Record<
  string,
  { readonly faultsOf: (value: string) => Faults; readonly good: string[]; readonly bad: string[] }
> = {
  "DNS label": { faultsOf: dnsLabelFaults, good: ["a", "a-1", "1"], bad: ["", "A", "-a", "a-", "a.b", "a".repeat(64)] },
  "DNS subdomain": {
    faultsOf: dnsSubdomainFaults,
    good: ["a", "a.b-c.1"],
    bad: ["", "a..b", ".a", "a.", "a_b", "a\n"],
  },
  "RFC 1035 label": { faultsOf: dns1035LabelFaults, good: ["a", "a-1"], bad: ["1a", "a.b", ""] },
  "label key": { faultsOf: labelKeyFaults, good: ["a", "x.y/A_b.c"], bad: ["", "/a", "a/", "a/b/c", "_a", "X/a", "é"] },
  "label value": { faultsOf: labelValueFaults, good: ["", "A", "a_b.c-1"], bad: ["-", "a b", "a".repeat(64)] },
  "config map key": { faultsOf: configMapKeyFaults, good: ["a", ".x", "_", "A-b"], bad: ["", ".", "..", "..a", "a/b"] },
  "environment variable": { faultsOf: envVarNameFaults, good: ["A", "a b", "1", "a.b"], bad: ["", "A=B", "é", "\t"] },
  "port name": {
    faultsOf: portNameFaults,
    good: ["http", "a-1"],
    bad: ["", "1", "HTTP", "a--b", "-a", "a".repeat(16)],
  },
};

for (const [name, { faultsOf, good, bad }] of Object.entries(RULES)) {
  test(`the rule for a ${name} tells good from bad`, () => {
    assert.deepEqual(
      good.filter((value) => faultsOf(value).length > 0),
      [],
    );
    assert.deepEqual(
      bad.filter((value) => faultsOf(value).length === 0),
      [],
    );
  });

  test(`the rule for a ${name} takes time that grows with the text alone`, () => {
    const start = performance.now();
    for (const text of [
      "a".repeat(2_000_000),
      `${"a-".repeat(1_000_000)}!`,
      "a.".repeat(1_000_000),
      "-".repeat(2_000_000),
    ]) {
      assert.ok(faultsOf(text).length > 0 || name === "environment variable");
    }
    assert.ok(performance.now() - start < 2000);
  });
}

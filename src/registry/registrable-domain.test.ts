import assert from "node:assert/strict";
import { test } from "node:test";

import { registrableDomain } from "./registrable-domain.ts";

const DOMAINS: readonly (readonly [host: string, domain: string | undefined])[] = [
  ["harbor.example.com", "example.com"],
  ["Example.COM.", "example.com"],
  ["a.b.example.co.uk", "example.co.uk"],
  ["co.uk", undefined],
  ["registry.example.com.au", "example.com.au"],
  ["team.jfrog.io", "team.jfrog.io"],
  ["jfrog.io", undefined],
  ["x.s3.eu-west-1.amazonaws.com", "x.s3.eu-west-1.amazonaws.com"],
  ["one.azurecr.io", "one.azurecr.io"],
  ["a.github.io", "a.github.io"],
  ["registry", undefined],
  ["10.0.0.1", undefined],
  ["a..b", undefined],
];

for (const [host, domain] of DOMAINS) {
  test(`the registrable domain of ${host} is ${domain ?? "none"}`, () => assert.equal(registrableDomain(host), domain));
}

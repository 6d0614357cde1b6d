import assert from "node:assert/strict";
import { test } from "node:test";

import { proxyAuthorization, proxyFor, proxySettingsOf } from "./proxy-settings.ts";

const PROXIES = { HTTPS_PROXY: "http://proxy.example:3128", http_proxy: "plain.example:8080" };

function proxyOf(url: string, noProxy: string): string | undefined {
  return proxyFor(new URL(url), proxySettingsOf({ ...PROXIES, NO_PROXY: noProxy }))?.host;
}

test("a proxy is chosen by the scheme, in upper and lower case", () => {
  assert.equal(proxyOf("https://quay.io/v2/", ""), "proxy.example:3128");
  assert.equal(proxyOf("http://quay.io/v2/", ""), "plain.example:8080");
  assert.equal(proxyOf("http://127.0.0.1:5000/v2/", ""), undefined);
  assert.equal(proxyOf("http://localhost:5000/v2/", ""), undefined);
  assert.equal(proxyFor(new URL("https://quay.io"), proxySettingsOf({})), undefined);
});

const DIRECT: readonly (readonly [url: string, noProxy: string])[] = [
  ["https://quay.io", "*"],
  ["https://quay.io", "a.example, quay.io"],
  ["https://cdn.quay.io", "quay.io"],
  ["https://cdn.quay.io", ".quay.io"],
  ["https://cdn.quay.io", "*.quay.io"],
  ["https://QUAY.io", "Quay.IO"],
  ["https://quay.io.", "quay.io"],
  ["https://10.1.2.3:5000", "10.0.0.0/8"],
  ["https://10.1.2.3:5000", "10.1.2.3"],
  ["https://10.1.2.3:5000", "10.1.2.3:5000"],
  ["https://quay.io", "quay.io:443"],
  ["https://[fd00::5]", "fd00::/8"],
  ["https://[fd00::5]", "fd00::5"],
  ["https://[fd00::5]:5000", "[fd00::5]:5000"],
];

for (const [url, noProxy] of DIRECT) {
  test(`${url} is reached directly with NO_PROXY=${noProxy}`, () => assert.equal(proxyOf(url, noProxy), undefined));
}

const PROXIED: readonly (readonly [url: string, noProxy: string])[] = [
  ["https://notquay.io", "quay.io"],
  ["https://quay.io", ".quay.io"],
  ["https://quay.io", "*.quay.io"],
  ["https://quay.io", "quay.io:80"],
  ["https://11.1.2.3", "10.0.0.0/8"],
  ["https://10.1.2.3", "10.0.0.0/99, 10.0.0.0/x, /8"],
  ["https://ten.example", "10.0.0.0/8"],
];

for (const [url, noProxy] of PROXIED) {
  test(`${url} goes through the proxy with NO_PROXY=${noProxy}`, () => {
    assert.equal(proxyOf(url, noProxy), "proxy.example:3128");
  });
}

test("a proxy's password is decoded for the proxy and never told", () => {
  assert.equal(
    proxyAuthorization(new URL("http://us%40er:p%3Aw@proxy.example")),
    `Basic ${Buffer.from("us@er:p:w").toString("base64")}`,
  );
  assert.throws(
    () => proxySettingsOf({ HTTPS_PROXY: "socks9://user:canary@x" }),
    (error: Error) => {
      assert.match(error.message, /HTTPS_PROXY/);
      return !error.message.includes("canary");
    },
  );
});

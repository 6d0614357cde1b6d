import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { type DockerConfig, parseDockercfg, parseDockerConfigJson } from "./docker-config.ts";

function revealed(config: DockerConfig): unknown {
  return config.entries.map(({ key, auth }) => [key, auth.username, auth.password.reveal()]);
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

test("parseDockerConfigJson reads auth and splits it at the first colon", () => {
  const text = JSON.stringify({ auths: { "reg.io": { auth: base64("me:pass:word") } }, credsStore: "desktop" });
  assert.deepEqual(revealed(parseDockerConfigJson(text)), [["reg.io", "me", "pass:word"]]);
});

test("auth overrides username and password", () => {
  const text = JSON.stringify({ "reg.io": { username: "old", password: "old", auth: base64("new:secret") } });
  assert.deepEqual(revealed(parseDockercfg(text)), [["reg.io", "new", "secret"]]);
});

test("base64 is read with and without padding, and across line breaks", () => {
  const encoded = base64("user:pa");
  const auths = {
    padded: { auth: encoded },
    bare: { auth: encoded.replace(/=+$/, "") },
    wrapped: { auth: `dXNl\n${encoded.slice(4)}` },
  };
  assert.deepEqual(revealed(parseDockerConfigJson(JSON.stringify({ auths }))), [
    ["padded", "user", "pa"],
    ["bare", "user", "pa"],
    ["wrapped", "user", "pa"],
  ]);
});

test("a broken entry is set aside by its key and the rest kept", () => {
  const auths = {
    colonless: { auth: base64("no-colon-here") },
    garbled: { auth: "%%%" },
    short: { auth: "dXNlcjpwY===" },
    number: { username: 5 },
    list: [],
    empty: {},
    good: { username: "u", password: "p" },
  };
  const config = parseDockerConfigJson(JSON.stringify({ auths }));
  assert.deepEqual(revealed(config), [["good", "u", "p"]]);
  assert.deepEqual(
    config.broken.map(({ key }) => key),
    ["colonless", "garbled", "short", "number", "list", "empty"],
  );
});

test("a config without auths holds nothing", () => {
  assert.deepEqual(parseDockerConfigJson('{"credHelpers":{}}'), { entries: [], broken: [] });
});

test("what is not a docker config throws MALFORMED_CONFIG", () => {
  for (const text of ["", "not json", "[]", '"x"', "null", '{"auths":[]}']) {
    assert.throws(() => parseDockerConfigJson(text), { name: "KeyringError", code: "MALFORMED_CONFIG" });
  }
});

test("no error and no broken entry ever quotes the content", () => {
  const canary = "hunter2-canary";
  fc.assert(
    fc.property(fc.string(), fc.string(), (before, after) => {
      for (const text of [
        before + canary + after,
        JSON.stringify({ auths: { k: { auth: before + canary + after } } }),
      ]) {
        try {
          const { broken } = parseDockerConfigJson(text);
          assert.ok(!JSON.stringify(broken.map(({ problem }) => problem)).includes(canary));
        } catch (error) {
          assert.ok(!String(error).includes(canary));
        }
      }
    }),
  );
});

test("an entry as docker login writes it comes back unchanged", () => {
  const name = fc.string().filter((text) => !text.includes(":"));
  fc.assert(
    fc.property(name, fc.string(), (username, password) => {
      const text = JSON.stringify({ "r.io": { auth: base64(`${username}:${password}`) } });
      assert.deepEqual(revealed(parseDockercfg(text)), [["r.io", username.toWellFormed(), password.toWellFormed()]]);
    }),
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { type CredentialSource, formatCredentialSource } from "./credential-source.ts";
import { parseDockercfg } from "./docker-config.ts";
import { createKeyring, type Keyring, type SourcedConfig } from "./keyring.ts";

function secret(name: string): CredentialSource {
  return { kind: "secret", namespace: "default", name, uid: `uid-${name}` };
}

/** A config whose user names tell its entries apart. */
function config(source: CredentialSource, users: Readonly<Record<string, string>>): SourcedConfig {
  const entries = Object.entries(users).map(([key, username]) => [key, { username, password: "p" }]);
  return { source, config: parseDockercfg(JSON.stringify(Object.fromEntries(entries))) };
}

function usersFor(keyring: Keyring, repository: string): readonly string[] {
  return keyring.lookup(repository).map((candidate) => candidate.auth.username);
}

test("all matches come back, the more specific key first", () => {
  const keyring = createKeyring([
    [
      config(secret("a"), {
        "*.example.com": "glob",
        "reg.example.com": "host",
        "https://reg.example.com/v2/team": "team",
      }),
    ],
  ]);
  assert.deepEqual(usersFor(keyring, "reg.example.com/team/app"), ["team", "host", "glob"]);
  assert.deepEqual(usersFor(keyring, "reg.example.com/other"), ["host", "glob"]);
  assert.deepEqual(usersFor(keyring, "elsewhere.com/team/app"), []);
});

test("secrets of a pod share one index and keep their order for an equal key", () => {
  const keyring = createKeyring([
    [config(secret("a"), { "r.io": "a" }), config(secret("b"), { "r.io/x": "b-path", "r.io": "b" })],
  ]);
  assert.deepEqual(usersFor(keyring, "r.io/x"), ["b-path", "a", "b"]);
});

test("node files come after every pull secret, however specific", () => {
  const node: CredentialSource = { kind: "node-file", path: "/root/.docker/config.json" };
  const keyring = createKeyring([[config(secret("a"), { "r.io": "secret" })], [config(node, { "r.io/x": "node" })]]);
  assert.deepEqual(usersFor(keyring, "r.io/x"), ["secret", "node"]);
});

test("the docker hub key counts only where nothing else matched", () => {
  const hub = { "https://index.docker.io/v1/": "hub" };
  const image = "docker.io/library/busybox";
  assert.deepEqual(usersFor(createKeyring([[config(secret("a"), hub)]]), image), ["hub"]);
  assert.deepEqual(usersFor(createKeyring([[config(secret("a"), { ...hub, "docker.io": "direct" })]]), image), [
    "direct",
  ]);
  assert.deepEqual(usersFor(createKeyring([[config(secret("a"), { "registry-1.docker.io": "x" })]]), image), []);
});

test("a candidate says where it comes from and which key matched", () => {
  const [candidate] = createKeyring([[config(secret("a"), { "https://r.io/v1/": "u" })]]).lookup("r.io/app");
  assert.ok(candidate !== undefined);
  assert.equal(formatCredentialSource(candidate.source), 'secret "default/a"');
  assert.deepEqual([candidate.key, candidate.matchedKey], ["https://r.io/v1/", "r.io"]);
  assert.ok(!JSON.stringify(candidate).includes('"p"'));
});

test("broken entries are reported with their source", () => {
  const broken = { source: secret("a"), config: parseDockercfg('{"r.io":{"auth":"!"}}') };
  assert.deepEqual(createKeyring([[broken]]).broken, [
    { source: secret("a"), key: "r.io", problem: '"auth" is not base64' },
  ]);
});

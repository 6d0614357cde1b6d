import assert from "node:assert/strict";
import { test } from "node:test";

import { checkRealm } from "./realm.ts";

const allowed: readonly (readonly [origin: string, realm: string])[] = [
  ["https://registry-1.docker.io", "https://auth.docker.io/token"],
  ["https://registry.gitlab.com", "https://gitlab.com/jwt/auth"],
  ["https://registry.example.com", "https://gitlab.example.com/jwt/auth"],
  ["https://harbor.example.co.uk", "https://auth.example.co.uk/service/token"],
  ["https://quay.io", "https://quay.io/v2/auth"],
  ["https://10.0.0.5:5000", "https://10.0.0.5:5000/token"],
  ["http://127.0.0.1:5000", "http://127.0.0.1:5000/token"],
  ["http://127.0.0.1:5000", "http://127.0.0.1:5001/token"],
  ["http://localhost:5000", "http://127.0.0.1:5001/token"],
  ["http://127.0.0.1:5000", "/token"],
];

for (const [origin, realm] of allowed) {
  test(`${origin} may name the token service ${realm}`, () => {
    assert.ok(checkRealm(realm, new URL(origin), { isSecretSent: true }));
  });
}

const refused: readonly (readonly [origin: string, realm: string])[] = [
  ["https://evil.example", "https://auth.docker.io.evil.test/token"],
  ["https://registry.example.com", "http://registry.example.com/token"],
  ["https://registry.example.com", "https://other.test/token"],
  ["https://a.co.uk", "https://b.co.uk/token"],
  ["https://registry.example.com", "https://169.254.169.254/latest"],
  ["https://registry.example.com", "https://127.0.0.1/token"],
  ["https://registry.example.com", "https://localhost/token"],
  ["https://registry.example.com", "https://[::1]/token"],
  ["https://registry.example.com", "https://[::ffff:127.0.0.1]/token"],
  ["https://registry.example.com", "https://10.0.0.1/token"],
  ["https://registry.example.com", "https://0x7f.1/token"],
  ["https://registry.example.com", "https://2130706433/token"],
  ["https://registry.example.com", "https://0.0.0.0/token"],
  ["https://registry.example.com", "https://[fd00:ec2::254]/token"],
  ["https://10.0.0.5:5000", "https://10.0.0.6:5000/token"],
  ["https://127.0.0.1:5000", "http://127.0.0.1:5000/token"],
  ["http://127.0.0.1:5000", "http://example.com/token"],
  ["https://registry.example.com", "file:///etc/passwd"],
  ["https://registry.example.com", "https://"],
];

for (const [origin, realm] of refused) {
  test(`${origin} may not name the token service ${realm}`, () => {
    assert.throws(() => checkRealm(realm, new URL(origin), { isSecretSent: true }), {
      name: "RegistryError",
      code: "REALM_REFUSED",
    });
  });
}

test("without a secret another domain may be asked, an internal address never", () => {
  const origin = new URL("https://registry.example.com");
  assert.ok(checkRealm("https://tokens.test/", origin, { isSecretSent: false }));
  assert.throws(() => checkRealm("https://10.0.0.1/", origin, { isSecretSent: false }), {
    code: "REALM_REFUSED",
  });
});

test("user info in a realm is dropped", () => {
  assert.equal(
    checkRealm("https://u:p@quay.io/auth", new URL("https://quay.io"), {
      isSecretSent: true,
    }).href,
    "https://quay.io/auth",
  );
});

test("a vendor's own token service is known, that of another tenant is not", () => {
  const check = (registry: string, realm: string) => checkRealm(realm, new URL(registry), { isSecretSent: true });
  assert.ok(check("https://nvcr.io", "https://authn.nvidia.com/token"));
  assert.ok(check("https://one.azurecr.io", "https://one.azurecr.io/oauth2/token"));
  assert.throws(() => check("https://one.azurecr.io", "https://two.azurecr.io/oauth2/token"), {
    code: "REALM_REFUSED",
  });
  assert.throws(() => check("https://one.jfrog.io", "https://two.jfrog.io/token"), { code: "REALM_REFUSED" });
});

test("a realm that is refused names the setting that allows it", () => {
  const [realm, origin] = ["https://tokens.test/t", new URL("https://registry.example.com")];
  assert.throws(() => checkRealm(realm, origin, { isSecretSent: true }), {
    message: /"tokens\.test"/,
    hint: "If it is the right one, allow it: --allow-registry-realm registry.example.com=tokens.test",
  });
  assert.ok(checkRealm(realm, origin, { isSecretSent: true, allowedRealms: ["tokens.test"] }));
});

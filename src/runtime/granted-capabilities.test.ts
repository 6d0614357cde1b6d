import assert from "node:assert/strict";
import { test } from "node:test";

import { boundingSet } from "../linux/capabilities.ts";
import { defaultSeccomp } from "./default-seccomp.ts";
import { grantedCapabilities } from "./granted-capabilities.ts";

const mine = boundingSet();
const grant = (add: string[], drop: string[], privileged = false) => grantedCapabilities({ privileged, add, drop });

test("capabilities are added to and dropped from the defaults, within our own", () => {
  const all = [...mine].toSorted();
  assert.deepEqual([...grant(["ALL"], [])].toSorted(), all);
  assert.deepEqual([...grant([], [], true)].toSorted(), all);
  assert.deepEqual([...grant([], ["all"])], []);
  assert.deepEqual(grant(["NET_BIND_SERVICE"], ["ALL"]).size, mine.has("CAP_NET_BIND_SERVICE") ? 1 : 0);
  assert.equal(grant([], ["CAP_CHOWN"]).has("CAP_CHOWN"), false);
  assert.equal(grant(["ALL"], ["SYS_ADMIN"]).has("CAP_SYS_ADMIN"), false);
});

test("a capability that does not exist is refused by name", () => {
  assert.throws(() => grant(["FLY"], []), { name: "RuntimeError", code: "INVALID_CONFIG", message: /"FLY"/ });
});

test("the default filter allows what needs a capability only to those that have it", () => {
  const names = (capabilities: string[]): string[] =>
    (defaultSeccomp(new Set(capabilities)).syscalls ?? []).flatMap((rule) =>
      rule.action === "SCMP_ACT_ALLOW" ? rule.names : [],
    );
  for (const name of ["mount", "unshare", "setns", "bpf", "reboot", "init_module"])
    assert.ok(!names([]).includes(name), name);
  assert.ok(names(["CAP_SYS_ADMIN"]).includes("mount"));
  assert.ok(names(["CAP_SYS_BOOT"]).includes("reboot"));
  const clone3 = defaultSeccomp(new Set()).syscalls?.find((rule) => rule.names.includes("clone3"));
  assert.deepEqual([clone3?.action, clone3?.errnoRet], ["SCMP_ACT_ERRNO", 38]);
});

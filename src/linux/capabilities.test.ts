import assert from "node:assert/strict";
import { test } from "node:test";

import { CAPABILITIES, capabilitiesOf, parseCapability } from "./capabilities.ts";

test("parseCapability reads names with and without prefix and refuses others", () => {
  assert.equal(parseCapability("net_admin"), "CAP_NET_ADMIN");
  assert.equal(parseCapability("CAP_SYS_TIME"), "CAP_SYS_TIME");
  assert.equal(parseCapability("ALL"), undefined);
});

test("capabilitiesOf reads the kernel's mask", () => {
  assert.deepEqual([...capabilitiesOf("0000000000000003")], ["CAP_CHOWN", "CAP_DAC_OVERRIDE"]);
  assert.equal(capabilitiesOf("000001ffffffffff").size, CAPABILITIES.length);
});

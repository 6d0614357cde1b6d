import assert from "node:assert/strict";
import { test } from "node:test";

import { programPath } from "./program-path.ts";

test("programPath keeps the user's order and adds the administrator's directories once", () => {
  assert.equal(
    programPath("/opt/bin:/usr/bin"),
    "/opt/bin:/usr/bin:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/bin",
  );
});

test("programPath leaves out what is no absolute directory: a program must not come from where a user happens to stand", () => {
  assert.equal(programPath(".::bin"), programPath(undefined));
});

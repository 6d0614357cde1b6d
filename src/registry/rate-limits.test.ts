import assert from "node:assert/strict";
import { test } from "node:test";

import { systemClock } from "../base/clock.ts";
import { RateLimits } from "./rate-limits.ts";
import { RegistryError } from "./registry-error.ts";

test("a registry that asked to wait is left alone so long, five minutes at most, by whoever it asked", () => {
  let now = 0;
  const limits = new RateLimits({ ...systemClock, monotonic: () => now });
  const error = (retryAfterMs?: number) => new RegistryError("TOO_MANY_REQUESTS", "slow down", { retryAfterMs });
  limits.note("registry alice", error(10_000));
  limits.note("registry bob", error(3_600_000));
  limits.note("registry eve", error());
  limits.note("registry eve", new RegistryError("SERVER_ERROR", "down", { retryAfterMs: 10_000 }));
  const isLimited = (key: string) => {
    try {
      limits.check(key);
      return false;
    } catch (thrown) {
      assert.ok(thrown instanceof RegistryError && thrown.code === "TOO_MANY_REQUESTS");
      return true;
    }
  };
  const limited = () => ["alice", "bob", "eve"].filter((name) => isLimited(`registry ${name}`));
  assert.deepEqual(limited(), ["alice", "bob"]);
  now = 10_000;
  assert.deepEqual(limited(), ["bob"]);
  now = 300_000;
  assert.deepEqual(limited(), []);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { describeLimit } from "./rate-limit.ts";
import { retryAfterMs } from "./retry-after.ts";

test("a rate limit is told: what is left of how many, in which time, and when to come again", () => {
  const headers = { "ratelimit-limit": "100;w=21600", "ratelimit-remaining": "0;w=21600" };
  assert.equal(describeLimit(headers, 900_000), "0 of 100 left in 6 h, again in 15 min");
  assert.equal(describeLimit({ "ratelimit-limit": "100" }, undefined), "at most 100");
  assert.equal(describeLimit({ "ratelimit-limit": "x; y" }, 5000), "again in 5 s");
  assert.equal(describeLimit({}, undefined), "");
});

test("Retry-After is read as seconds and as a date", () => {
  const now = Date.parse("2030-01-01T00:00:00Z");
  assert.equal(retryAfterMs("7", now), 7000);
  assert.equal(retryAfterMs("Tue, 01 Jan 2030 00:01:00 GMT", now), 60_000);
  assert.equal(retryAfterMs("Tue, 01 Jan 2020 00:01:00 GMT", now), 0);
  for (const other of ["soon", "-1", "", undefined, ["1", "2"]]) assert.equal(retryAfterMs(other, now), undefined);
});

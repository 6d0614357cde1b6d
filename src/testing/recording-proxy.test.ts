import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";

import { openRecordingProxy } from "./recording-proxy.ts";

describe("a recording proxy", () => {
  const server = createServer((request, response) => response.writeHead(203).end(`you asked ${request.url}`));
  let target: string;
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    target = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => void server.close());

  test("passes answers on and remembers requests until cleared", async () => {
    await using proxy = await openRecordingProxy(target);
    const text = await (await fetch(`http://${proxy.host}/v2/`)).text();
    assert.deepEqual([text, proxy.requests()], ["you asked /v2/", ["GET /v2/ 203"]]);
    proxy.clear();
    assert.deepEqual(proxy.requests(), []);
  });

  test("passes on other bytes when asked to rewrite", async () => {
    await using proxy = await openRecordingProxy(target, { rewrite: (_, body) => Buffer.from(body).fill("x") });
    assert.equal(await (await fetch(`http://${proxy.host}/a`)).text(), "xxxxxxxxxxxx");
  });

  test("sends no more than it is told and leaves the connection open", async () => {
    await using proxy = await openRecordingProxy(target, { stallAfter: () => 3 });
    const abort = AbortSignal.timeout(200);
    const response = await fetch(`http://${proxy.host}/a`, { signal: abort, headers: { range: "bytes=0-" } });
    await assert.rejects(response.text(), { name: "TimeoutError" });
    assert.deepEqual([proxy.stalled(), proxy.ranges()], [1, ["bytes=0-"]]);
  });

  test("closes connections without an answer while it is down", async () => {
    await using proxy = await openRecordingProxy(target, { isDown: () => true });
    await assert.rejects(fetch(`http://${proxy.host}/`));
    assert.deepEqual(proxy.requests(), []);
  });
});

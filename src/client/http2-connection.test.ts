import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http2";
import { type AddressInfo, type Socket, createServer as createTcpServer } from "node:net";
import { test } from "node:test";
import { Http2Connection } from "./http2-connection.ts";

const GET = { headers: { ":method": "GET", ":path": "/" } } as const;

test("a peer that no longer answers probes is given up, so that a hung server does not hang its clients", async () => {
  const sockets: Socket[] = [];
  const server = createTcpServer((socket) => {
    sockets.push(socket);
    // RFC 9113 §3.4: the server's preface, an empty SETTINGS frame. Then silence, as of a process that is stopped.
    socket.write(Buffer.from("000000040000000000", "hex"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await using connection = new Http2Connection({ origin, tls: {}, pingIntervalMs: 30 });
  await assert.rejects(connection.request(GET), { code: "CONNECTION_LOST", message: /stopped answering/ });
  for (const socket of sockets) socket.destroy();
  server.close();
});

test("a server that accepts and says nothing is UNREACHABLE after the time-out", async () => {
  const sockets: Socket[] = [];
  const server = createTcpServer((socket) => sockets.push(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await using connection = new Http2Connection({ origin, tls: {}, connectTimeoutMs: 50 });
  await assert.rejects(connection.request(GET), { code: "UNREACHABLE", message: /time-out/ });
  for (const socket of sockets) socket.destroy();
  server.close();
});

test("requests made at once share one connection", async () => {
  let connections = 0;
  const server = createServer();
  server.on("connection", () => connections++);
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200 });
    stream.end("ok");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await using connection = new Http2Connection({ origin, tls: {} });
  const answers = await Promise.all(Array.from({ length: 20 }, () => connection.request(GET)));
  const bodies = await Promise.all(answers.map(async ({ body }) => (await Array.fromAsync(body)).join("")));
  assert.deepEqual([connections, new Set(bodies)], [1, new Set(["ok"])]);
  server.close();
});

import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { Secret } from "../base/secret.ts";
import { type Descriptor } from "../oci/descriptor.ts";
import { digestOf } from "../oci/digest.ts";
import { MEDIA_TYPES } from "../oci/media-type.ts";
import { parseReference } from "../oci/reference.ts";
import type { RequestTrace } from "../trace/pull-trace.ts";
import type { RegistryCredential } from "./credential.ts";
import { createRegistryClient, type Repository } from "./registry-client.ts";
import { createTransport, type TransportOptions } from "./transport.ts";

const SECRET = "canary-s3cret";
const BASIC: RegistryCredential = { kind: "basic", username: "alice", password: new Secret(SECRET) };
const BASIC_HEADER = `Basic ${Buffer.from(`alice:${SECRET}`).toString("base64")}`;
const MANIFEST = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest }));
const BLOB = Buffer.from("0123456789".repeat(20_000));
const BLOB_DESCRIPTOR: Descriptor = { mediaType: "x", digest: digestOf(BLOB), size: BLOB.length };

interface Site extends AsyncDisposable {
  readonly host: string;
  /** `METHOD URL` of each request, with what came as Authorization. */
  readonly seen: {
    readonly line: string;
    readonly authorization: string | undefined;
    readonly range: string | undefined;
  }[];
}

/** Starts a real HTTP server that scripts one registry, token service or storage. */
async function site(listener: RequestListener): Promise<Site> {
  const seen: Site["seen"] = [];
  const server = createServer((request, response) => {
    const { authorization, range } = request.headers;
    seen.push({ line: `${request.method} ${request.url}`, authorization, range });
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Opened extends AsyncDisposable {
  readonly repository: Repository;
  readonly requests: RequestTrace[];
}

function openRepository(name: string, credential?: RegistryCredential, options: TransportOptions = {}): Opened {
  const transport = createTransport(options);
  const requests: RequestTrace[] = [];
  const repository = createRegistryClient({ transport }).openRepository({
    reference: parseReference(name),
    credential,
    onRequest: (request) => requests.push(request),
  });
  return { repository, requests, [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose]() };
}

function sendManifest(response: ServerResponse): void {
  const headers = { "content-type": MEDIA_TYPES.ociManifest, "docker-content-digest": digestOf(MANIFEST) };
  response.writeHead(200, { ...headers, "content-length": MANIFEST.length }).end(MANIFEST);
}

const isHead = (request: IncomingMessage) => request.method === "HEAD";

async function collect(blob: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of blob) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test("a manifest is resolved by one HEAD; where that says too little, by GET", async () => {
  await using whole = await site((_, response) => sendManifest(response));
  await using bare = await site((request, response) => {
    if (isHead(request)) response.writeHead(405).end();
    else response.writeHead(200, { "docker-content-digest": "sha256:wrong" }).end(MANIFEST);
  });
  await using first = openRepository(`${whole.host}/a/b:1`);
  const expected = { mediaType: MEDIA_TYPES.ociManifest, digest: digestOf(MANIFEST), size: MANIFEST.length };
  assert.deepEqual(await first.repository.resolve(), { descriptor: expected });
  assert.deepEqual(
    whole.seen.map(({ line }) => line),
    ["HEAD /v2/a/b/manifests/1"],
  );
  await using second = openRepository(`${bare.host}/a/b:1`);
  const found = await second.repository.resolve();
  assert.deepEqual([found.descriptor.digest, found.bytes], [digestOf(MANIFEST), MANIFEST]);
});

test("a reference by digest is checked against the bytes", async () => {
  await using registry = await site((request, response) => {
    if (isHead(request)) response.writeHead(404).end();
    else response.end(MANIFEST);
  });
  await using honest = openRepository(`${registry.host}/a@${digestOf(MANIFEST)}`);
  assert.equal((await honest.repository.resolve()).descriptor.digest, digestOf(MANIFEST));
  await using lying = openRepository(`${registry.host}/a@${digestOf(BLOB)}`);
  await assert.rejects(lying.repository.resolve(), { name: "RegistryError", code: "DIGEST_MISMATCH" });
});

test("a Basic challenge gets the password once; refused, it is not offered again", async () => {
  let isRight = true;
  await using registry = await site((request, response) => {
    if (isRight && request.headers.authorization === BASIC_HEADER) sendManifest(response);
    else
      response
        .writeHead(401, { "www-authenticate": 'Basic realm="x, y"' })
        .end('{"errors":[{"code":"UNAUTHORIZED","message":"no"}]}');
  });
  await using opened = openRepository(`${registry.host}/a:1`, BASIC);
  await opened.repository.resolve();
  assert.deepEqual(
    registry.seen.map(({ authorization }) => authorization),
    [undefined, BASIC_HEADER],
  );
  isRight = false;
  registry.seen.length = 0;
  await using refused = openRepository(`${registry.host}/a:1`, BASIC);
  await assert.rejects(refused.repository.resolve(), {
    code: "CREDENTIAL_REFUSED",
    message: /authorization failed: GET .* 401 Unauthorized: unauthorized: no$/,
  });
  assert.equal(registry.seen.filter(({ authorization }) => authorization !== undefined).length, 2);
  await using anonymous = openRepository(`${registry.host}/a:1`);
  await assert.rejects(anonymous.repository.resolve(), { code: "NO_CREDENTIAL" });
});

function tokenSite(kind: "GET" | "POST") {
  return site((request, response) => {
    const url = new URL(request.url ?? "", "http://x");
    if (url.pathname !== "/token") {
      if (request.headers.authorization === "Bearer t0ken") sendManifest(response);
      else {
        const challenge = `Bearer realm="http://${request.headers.host}/token",service="reg, istry",scope="repository:a:pull"`;
        response.writeHead(401, { "www-authenticate": challenge }).end();
      }
    } else if (request.method !== kind) response.writeHead(405).end();
    else response.end(JSON.stringify({ access_token: "t0ken", expires_in: 300 }));
  });
}

test("a Bearer challenge is met by a token, which is used again", async () => {
  await using registry = await tokenSite("GET");
  await using opened = openRepository(`${registry.host}/a:1`, BASIC);
  await opened.repository.resolve();
  await opened.repository.resolve();
  const lines = registry.seen.map(({ line, authorization }) => `${line} ${authorization?.split(" ")[0] ?? "-"}`);
  assert.deepEqual(lines, [
    "HEAD /v2/a/manifests/1 -",
    "GET /token?service=reg%2C+istry&scope=repository%3Aa%3Apull Basic",
    "HEAD /v2/a/manifests/1 Bearer",
    "HEAD /v2/a/manifests/1 Bearer",
  ]);
});

test("who asked for a password once gets it at once, the token of another repository never", async () => {
  await using registry = await tokenSite("GET");
  await using transport = createTransport();
  const client = createRegistryClient({ transport });
  for (const path of ["a", "b"]) {
    await client
      .openRepository({ reference: parseReference(`${registry.host}/${path}:1`), credential: BASIC })
      .resolve();
  }
  assert.deepEqual(
    registry.seen.slice(3).map(({ line }) => line),
    ["GET /token?service=reg%2C+istry&scope=repository%3Ab%3Apull", "HEAD /v2/b/manifests/1"],
  );
});

test("an identity token is posted, a registry token is sent as it is", async () => {
  await using registry = await tokenSite("POST");
  await using opened = openRepository(`${registry.host}/a:1`, {
    kind: "identity-token",
    token: new Secret("identity"),
  });
  await opened.repository.resolve();
  assert.equal(registry.seen[1]?.line, "POST /token");
  registry.seen.length = 0;
  await using direct = openRepository(`${registry.host}/a:1`, { kind: "registry-token", token: new Secret("t0ken") });
  await direct.repository.resolve();
  assert.deepEqual(
    registry.seen.map(({ authorization }) => authorization),
    ["Bearer t0ken"],
  );
});

test("a challenge that only the root of the API tells is found there", async () => {
  await using registry = await site((request, response) => {
    if (request.headers.authorization !== undefined) sendManifest(response);
    else response.writeHead(401, request.url === "/v2/" ? { "www-authenticate": "Basic" } : {}).end();
  });
  await using opened = openRepository(`${registry.host}/a:1`, BASIC);
  await opened.repository.resolve();
  assert.deepEqual(
    registry.seen.map(({ line }) => line),
    ["HEAD /v2/a/manifests/1", "GET /v2/", "HEAD /v2/a/manifests/1"],
  );
});

test("a redirect to storage carries no credential, and its challenge gets none", async () => {
  let storageAsks = false;
  await using storage = await site((_, response) => {
    if (storageAsks) response.writeHead(401, { "www-authenticate": "Basic" }).end();
    else response.end(BLOB);
  });
  await using registry = await site((request, response) => {
    if (request.headers.authorization === undefined) response.writeHead(401, { "www-authenticate": "Basic" }).end();
    else response.writeHead(307, { location: `http://user:pw@${storage.host}/blob?X-Signature=secret` }).end();
  });
  await using opened = openRepository(`${registry.host}/a:1`, BASIC);
  assert.deepEqual(await collect(opened.repository.fetchBlob(BLOB_DESCRIPTOR, 0)), BLOB);
  storageAsks = true;
  await assert.rejects(
    collect(opened.repository.fetchBlob(BLOB_DESCRIPTOR, 0)),
    (error) => !String(error).includes("X-Signature=secret"),
  );
  assert.ok(storage.seen.length >= 2);
  assert.ok(storage.seen.every(({ authorization }) => authorization === undefined));
});

test("a registry that another one redirected to is asked as anybody", async () => {
  await using elsewhere = await tokenSite("GET");
  await using registry = await site((request, response) => {
    if (request.headers.authorization === undefined) response.writeHead(401, { "www-authenticate": "Basic" }).end();
    else response.writeHead(307, { location: `http://${elsewhere.host}${request.url}` }).end();
  });
  await using opened = openRepository(`${registry.host}/a:1`, BASIC);
  await opened.repository.resolve();
  const seen = elsewhere.seen.map(({ line, authorization }) => `${line} ${authorization ?? "-"}`);
  assert.deepEqual(seen, [
    "HEAD /v2/a/manifests/1 -",
    "GET /token?service=reg%2C+istry&scope=repository%3Aa%3Apull -",
    "HEAD /v2/a/manifests/1 Bearer t0ken",
  ]);
});

test("redirects in a circle are refused", async () => {
  await using registry = await site((request, response) => {
    response.writeHead(302, { location: request.url ?? "" }).end();
  });
  await using opened = openRepository(`${registry.host}/a:1`);
  await assert.rejects(opened.repository.resolve(), { code: "REDIRECT_REFUSED", message: /more than 10 times/ });
  assert.equal(registry.seen.length, 11);
});

test("a blob whose connection breaks goes on by Range, also where the server ignores it", async () => {
  for (const honoursRange of [true, false]) {
    let requests = 0;
    await using registry = await site((request, response) => {
      requests++;
      const start = honoursRange ? Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0) : 0;
      const range = { "content-range": `bytes ${start}-${BLOB.length - 1}/${BLOB.length}` };
      response.writeHead(start > 0 ? 206 : 200, { "content-length": BLOB.length - start, ...(start > 0 ? range : {}) });
      if (requests > 3) response.end(BLOB.subarray(start));
      else response.write(BLOB.subarray(start, requests * 40_000), () => response.destroy());
    });
    await using opened = openRepository(`${registry.host}/a:1`);
    assert.deepEqual(await collect(opened.repository.fetchBlob(BLOB_DESCRIPTOR, 0)), BLOB);
    assert.equal(requests, 4);
    requests = 9;
    assert.deepEqual(await collect(opened.repository.fetchBlob(BLOB_DESCRIPTOR, 150_000)), BLOB.subarray(150_000));
    assert.equal(registry.seen.at(-1)?.range, "bytes=150000-");
  }
});

test("a blob that stands still is asked for anew", async () => {
  let requests = 0;
  await using registry = await site((_, response) => {
    if (++requests > 1) response.end(BLOB);
    else response.writeHead(200, { "content-length": BLOB.length }).write(BLOB.subarray(0, 10));
  });
  await using opened = openRepository(`${registry.host}/a:1`, undefined, { stallTimeoutMs: 1000 });
  assert.deepEqual(await collect(opened.repository.fetchBlob(BLOB_DESCRIPTOR, 0)), BLOB);
  assert.equal(requests, 2);
});

test("a range that was not asked for is refused", async () => {
  await using registry = await site((_, response) => {
    response.writeHead(206, { "content-range": `bytes 999-${BLOB.length - 1}/${BLOB.length}` }).end(BLOB.subarray(999));
  });
  await using opened = openRepository(`${registry.host}/a:1`);
  await assert.rejects(collect(opened.repository.fetchBlob(BLOB_DESCRIPTOR, 5)), { code: "UNEXPECTED_ANSWER" });
});

test("a manifest that a proxy compressed on the way is read", async () => {
  await using registry = await site((request, response) => {
    if (isHead(request)) response.writeHead(404).end();
    else response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(MANIFEST));
  });
  await using opened = openRepository(`${registry.host}/a:1`);
  assert.deepEqual((await opened.repository.resolve()).bytes, MANIFEST);
});

test("an endless manifest, token or error does not fill the memory", async () => {
  const endless = (response: ServerResponse, status: number, headers = {}) => {
    response.writeHead(status, headers);
    const more = () => {
      while (response.write(Buffer.alloc(256 * 1024, "x")));
      response.once("drain", more);
    };
    more();
  };
  for (const [status, code] of [
    [200, "ANSWER_TOO_LARGE"],
    [404, "MANIFEST_UNKNOWN"],
  ] as const) {
    await using registry = await site((request, response) => {
      if (isHead(request)) response.writeHead(404).end();
      else endless(response, status);
    });
    await using opened = openRepository(`${registry.host}/a:1`);
    await assert.rejects(opened.repository.resolve(), { code });
  }
  await using registry = await site((request, response) => {
    if (request.url?.startsWith("/token")) endless(response, 200);
    else response.writeHead(401, { "www-authenticate": `Bearer realm="http://${request.headers.host}/token"` }).end();
  });
  await using opened = openRepository(`${registry.host}/a:1`);
  await assert.rejects(opened.repository.resolve(), { code: "ANSWER_TOO_LARGE" });
});

test("servers that are busy are asked again; a rate limit without end is told with its wait", async () => {
  let requests = 0;
  await using busy = await site((_, response) => {
    if (++requests < 3) response.writeHead(503).end();
    else sendManifest(response);
  });
  await using opened = openRepository(`${busy.host}/a:1`);
  await opened.repository.resolve();
  assert.deepEqual(
    opened.requests.map(({ status }) => status).filter((status) => status !== undefined),
    [503, 503, 200],
  );
  await using limited = await site((_, response) => {
    response
      .writeHead(429, { "retry-after": "3600" })
      .end('{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}');
  });
  await using second = openRepository(`${limited.host}/a:1`);
  await assert.rejects(second.repository.resolve(), { code: "TOO_MANY_REQUESTS", retryAfterMs: 3_600_000 });
});

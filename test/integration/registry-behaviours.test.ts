import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";

import { digestOf } from "../../src/oci/digest.ts";
import { parseManifest } from "../../src/oci/manifest.ts";
import { MEDIA_TYPES } from "../../src/oci/media-type.ts";
import { matchPlatforms } from "../../src/oci/platform.ts";
import {
  openRegistrySimulator,
  type RegistrySimulator,
  type SimulatedAnswer,
  type SimulatedHost,
} from "../../src/testing/registry-simulator.ts";
import {
  asking,
  BASIC,
  BASIC_HEADER,
  BLOB,
  endpoint,
  fetchLayer,
  honest,
  IDENTITY,
  MANIFEST,
  meet,
  type MeetOptions,
  SECRET,
} from "./registry-fixture.ts";

const HOSTS =
  "registry.example auth.registry.example storage.test evil.test mirror.test mirror2.test registry-1.docker.io auth.docker.io registry.gitlab.com gitlab.com".split(
    " ",
  );
const IMAGE = "registry.example/team/app:1";

describe("registries in the wild", () => {
  let simulator: RegistrySimulator;
  before(async () => (simulator = await openRegistrySimulator(HOSTS)));
  after(async () => await simulator[Symbol.asyncDispose]());

  const open = async (options: MeetOptions = {}, image = IMAGE) => {
    const met = meet(simulator, image, options);
    return { ...met, [Symbol.asyncDispose]: () => met.transport[Symbol.asyncDispose]() };
  };
  const lines = (host?: string) =>
    simulator.seen
      .filter((request) => host === undefined || request.host === host)
      .map(({ method, path }) => `${method} ${path.replace(/sha256:.*/, "DIGEST")}`);
  const playOne = (host: SimulatedHost) => simulator.play({ "registry.example": host });

  test("a rate limit is told with what is left and when to come again; a short one is waited for", async () => {
    const limit = { "ratelimit-limit": "100;w=21600", "ratelimit-remaining": "0;w=21600", "retry-after": "900" };
    playOne(() => ({ status: 429, headers: limit, body: '{"errors":[{"code":"TOOMANYREQUESTS","message":"slow"}]}' }));
    await using limited = await open();
    await assert.rejects(limited.repository.resolve(), {
      code: "TOO_MANY_REQUESTS",
      message: /0 of 100 left in 6 h, again in 15 min/,
      retryAfterMs: 900_000,
    });
    assert.deepEqual(lines(), ["HEAD /v2/team/app/manifests/1"]);
    await assert.rejects(limited.repository.resolve(), {
      code: "TOO_MANY_REQUESTS",
      message: /not asked again for 300 s/,
    });
    assert.equal(lines().length, 1);
    let asked = 0;
    playOne((request) => (++asked === 1 ? { status: 429, headers: { "retry-after": "1" } } : honest(request)));
    await using short = await open();
    const started = performance.now();
    await short.repository.resolve();
    assert.ok(performance.now() - started >= 990);
  });

  for (const status of [400, 401, 404, 405]) {
    test(`a token service that answers POST with ${status} is asked by GET`, async () => {
      simulator.play({
        "registry.example": asking("https://auth.registry.example/token"),
        "auth.registry.example": ({ method }) => (method === "POST" ? { status } : { body: '{"token":"t0ken"}' }),
      });
      await using met = await open({ credential: IDENTITY });
      await met.repository.resolve();
      assert.deepEqual(lines("auth.registry.example"), ["POST /token", "GET /token"]);
    });
  }

  for (const status of [301, 302, 303, 307, 308]) {
    test(`the form with an identity token goes nowhere else when its service redirects with ${status}`, async () => {
      const location = "https://evil.test/token";
      simulator.play({
        "registry.example": asking("https://auth.registry.example/token"),
        "auth.registry.example": () => ({ status, headers: { location } }),
        "evil.test": () => ({ body: '{"token":"t0ken"}' }),
      });
      await using met = await open({ credential: IDENTITY });
      await assert.rejects(met.repository.resolve(), { code: "UNEXPECTED_ANSWER" });
      assert.deepEqual(lines("evil.test"), []);
    });
  }

  test("a token service that knows no GET is asked by POST", async () => {
    simulator.play({
      "registry.example": asking("https://auth.registry.example/token"),
      "auth.registry.example": ({ method, body }) =>
        method === "GET" ? { status: 405 } : { body: `{"access_token":"${body.includes(SECRET) ? "t0ken" : "x"}"}` },
    });
    await using met = await open({ credential: BASIC });
    await met.repository.resolve();
  });

  for (const answer of [
    '{"token":"t0ken"}',
    '{"access_token":"t0ken","expires_in":300,"issued_at":"1999-01-01T00:00:00Z"}',
  ]) {
    test(`the token in ${answer} is used, and got anew once it is refused`, async () => {
      let isRefusing = false;
      simulator.play({
        "registry.example": (request) => {
          if (!isRefusing) return asking("https://auth.registry.example/token")(request);
          isRefusing = false;
          return { status: 401, headers: { "www-authenticate": 'Bearer realm="https://auth.registry.example/token"' } };
        },
        "auth.registry.example": () => ({ body: answer }),
      });
      await using met = await open({ credential: BASIC });
      await met.repository.resolve();
      isRefusing = true;
      await met.repository.resolve();
      assert.equal(lines("auth.registry.example").length, 2);
    });
  }

  test("a 401 without challenge is met by what the API's root asks for", async () => {
    playOne((request) => {
      const { authorization } = request.headers;
      if (authorization === BASIC_HEADER) return honest(request);
      return { status: 401, headers: request.path === "/v2/" ? { "www-authenticate": 'Basic realm="x"' } : {} };
    });
    await using met = await open({ credential: BASIC });
    await met.repository.resolve();
    assert.equal(lines()[1], "GET /v2/");
  });

  test("of several challenges one that we can meet is met, and a scope that was lacking is asked for", async () => {
    const scopes: string[][] = [];
    simulator.play({
      "registry.example": ({ headers, path }) => {
        const realm = 'realm="https://auth.registry.example/token",service="a, b"';
        if (headers.authorization === "Bearer t2") return honest({ path });
        const lacking = 'error="insufficient_scope",scope="repository:team/app:pull,read"';
        const challenges = [
          "Negotiate, Digest nonce=x",
          `Bearer ${realm}${headers.authorization === undefined ? "" : `,${lacking}`}`,
        ];
        return { status: 401, headers: { "www-authenticate": challenges } };
      },
      "auth.registry.example": ({ query }) => {
        assert.equal(query.get("service"), "a, b");
        return { body: `{"token":"t${scopes.push(query.getAll("scope"))}"}` };
      },
    });
    await using met = await open({ credential: BASIC });
    await met.repository.resolve();
    assert.deepEqual(scopes, [
      ["repository:team/app:pull"],
      ["repository:team/app:pull", "repository:team/app:pull,read"],
    ]);
  });

  const REFUSALS: readonly (readonly [status: number, body: string, code: string])[] = [
    [401, "", "CREDENTIAL_REFUSED"],
    [403, '{"errors":[{"code":"DENIED","message":"denied"}]}', "CREDENTIAL_REFUSED"],
    [404, '{"errors":[{"code":"NAME_UNKNOWN"}]}', "NAME_UNKNOWN"],
    [404, "<html>", "MANIFEST_UNKNOWN"],
    [400, '{"errors":[{"code":"NAME_UNKNOWN"}]}', "NAME_UNKNOWN"],
    [418, "", "UNEXPECTED_ANSWER"],
  ];
  for (const [status, body, code] of REFUSALS) {
    test(`${status} with ${JSON.stringify(body)} for a private repository is ${code}, with what GET says`, async () => {
      playOne((request) => {
        const { authorization } = request.headers;
        if (authorization === undefined) return { status: 401, headers: { "www-authenticate": "Basic" } };
        return { status, body };
      });
      await using met = await open({ credential: BASIC });
      await assert.rejects(met.repository.resolve(), { code });
      assert.ok(lines().includes("GET /v2/team/app/manifests/1"));
    });
  }

  test("a public image with a wrong password is refused with it and given without", async () => {
    simulator.play({
      "registry-1.docker.io": asking("https://auth.docker.io/token"),
      "auth.docker.io": ({ headers }) =>
        headers.authorization === undefined
          ? { body: '{"token":"t0ken"}' }
          : { status: 401, body: '{"details":"incorrect username or password"}' },
    });
    await using wrong = await open({ credential: BASIC }, "team/app:1");
    await assert.rejects(wrong.repository.resolve(), { code: "CREDENTIAL_REFUSED", message: /incorrect username/ });
    await using anonymous = await open({}, "team/app:1");
    await anonymous.repository.resolve();
  });

  test("a signed URL gets no header of the registry's, and one that ran out is asked for anew at the registry", async () => {
    let signed = 0;
    simulator.play({
      "registry.example": (request) => {
        if (request.headers.authorization === undefined)
          return { status: 401, headers: { "www-authenticate": "Basic" } };
        const location = `https://storage.test/blob?X-Amz-Signature=${++signed}`;
        return { status: 307, headers: { location, "set-cookie": "session=canary" } };
      },
      "storage.test": ({ headers, query }) => {
        if (headers.authorization !== undefined) return { status: 400, body: "Only one auth mechanism allowed" };
        if (query.get("X-Amz-Signature") === "1")
          return { body: BLOB, headers: { "content-length": String(BLOB.length) }, breakAfter: 9 };
        const start = Number(/\d+/.exec(headers.range ?? "0")?.[0]);
        const range = `bytes ${start}-${BLOB.length - 1}/${BLOB.length}`;
        return { status: 206, headers: { "content-range": range }, body: BLOB.subarray(start) };
      },
    });
    await using met = await open({ credential: BASIC });
    assert.ok((await fetchLayer(met.repository)).equals(BLOB));
    assert.equal(signed, 2);
    const stored = simulator.seen.filter(({ host }) => host === "storage.test");
    assert.ok(stored.every(({ headers }) => headers.cookie === undefined && headers.authorization === undefined));
    assert.ok(met.requests.every(({ url }) => !url.includes("Signature=1")));
  });

  const RANGES: readonly (readonly [name: string, answer: SimulatedAnswer, isTaken: boolean])[] = [
    [
      "206 as asked",
      { status: 206, headers: { "content-range": `bytes 10-${BLOB.length - 1}/*` }, body: BLOB.subarray(10) },
      true,
    ],
    [
      "206 from earlier on",
      { status: 206, headers: { "content-range": `bytes 4-${BLOB.length - 1}/*` }, body: BLOB.subarray(4) },
      true,
    ],
    ["200 with all", { body: BLOB }, true],
    ["206 without range", { status: 206, body: BLOB.subarray(10) }, false],
    ["206 from later on", { status: 206, headers: { "content-range": "bytes 20-30/*" }, body: "x" }, false],
    [
      "206 in parts",
      { status: 206, headers: { "content-type": "multipart/byteranges; boundary=x" }, body: "--x" },
      false,
    ],
  ];
  for (const [name, answer, isTaken] of RANGES) {
    test(`a range answered by ${name} is ${isTaken ? "taken" : "refused"}`, async () => {
      playOne(() => answer);
      await using met = await open();
      if (isTaken) assert.ok((await fetchLayer(met.repository, 10)).equals(BLOB.subarray(10)));
      else await assert.rejects(fetchLayer(met.repository, 10), { code: "UNEXPECTED_ANSWER" });
    });
  }

  test("a blob comes whole without a length, compressed on the way, or over streams of HTTP/2 that break", async () => {
    playOne(() => ({ body: BLOB }));
    await using met = await open();
    assert.ok((await fetchLayer(met.repository)).equals(BLOB));
    assert.deepEqual([...new Set(simulator.seen.map(({ httpVersion }) => httpVersion))], ["2.0"]);
    playOne(() => ({ headers: { "content-encoding": "gzip" }, body: gzipSync(BLOB) }));
    assert.ok((await fetchLayer(met.repository)).equals(BLOB));
    let tries = 0;
    playOne(() => (++tries < 3 ? { body: BLOB, breakAfter: tries * 70_000 } : { body: BLOB }));
    assert.ok((await fetchLayer(met.repository)).equals(BLOB));
    assert.equal(tries, 3);
  });

  const HEADS: readonly (readonly [name: string, headers: Record<string, string>, status?: number])[] = [
    ["no digest", { "content-type": MEDIA_TYPES.ociManifest }],
    ["a wrong digest", { "content-type": MEDIA_TYPES.ociManifest, "docker-content-digest": "sha256:no" }],
    ["no type", {}],
    ["405", {}, 405],
    ["403", {}, 403],
  ];
  for (const [name, headers, status = 200] of HEADS) {
    test(`where HEAD answers ${name}, the manifest itself tells its digest`, async () => {
      playOne(({ method }) => (method === "HEAD" ? { status, headers } : { body: MANIFEST }));
      await using met = await open();
      assert.equal((await met.repository.resolve()).descriptor.digest, digestOf(MANIFEST));
    });
  }

  for (const type of [`${MEDIA_TYPES.ociManifest}; charset=utf-8`, "text/plain", ""]) {
    test(`a manifest of the type ${JSON.stringify(type)} is read by what it says itself`, async () => {
      playOne(({ method }) =>
        method === "HEAD" ? { status: 404 } : { headers: type === "" ? {} : { "content-type": type }, body: MANIFEST },
      );
      await using met = await open();
      const { descriptor, bytes = Buffer.alloc(0) } = await met.repository.resolve();
      assert.equal(parseManifest(bytes, descriptor.mediaType).kind, "manifest");
    });
  }

  test("schema 1 is refused by its name", async () => {
    const body = '{"schemaVersion":1,"name":"a","fsLayers":[]}';
    playOne(({ method }) =>
      method === "HEAD" ? { status: 404 } : { headers: { "content-type": MEDIA_TYPES.dockerSchema1Signed }, body },
    );
    await using met = await open();
    const { descriptor, bytes = Buffer.alloc(0) } = await met.repository.resolve();
    assert.throws(() => parseManifest(bytes, descriptor.mediaType), {
      code: "MANIFEST_UNSUPPORTED",
      message: /schema 1/,
    });
  });

  test("of an index with attestations and doubles the platform's own manifest is chosen", async () => {
    const of = (platform: object, size: number) => ({
      mediaType: MEDIA_TYPES.ociManifest,
      digest: digestOf(MANIFEST),
      size,
      platform,
    });
    const manifests = [
      of({ os: "unknown", architecture: "unknown" }, 1),
      of({ os: "linux", architecture: "arm64", variant: "v8" }, 2),
      of({ os: "linux", architecture: "amd64" }, 3),
      of({ os: "linux", architecture: "amd64" }, 4),
    ];
    const body = JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests });
    playOne(({ method }) =>
      method === "HEAD" ? { status: 404 } : { headers: { "content-type": MEDIA_TYPES.ociIndex }, body },
    );
    await using met = await open();
    const { descriptor, bytes = Buffer.alloc(0) } = await met.repository.resolve();
    const index = parseManifest(bytes, descriptor.mediaType);
    assert.ok(index.kind === "index");
    assert.equal(matchPlatforms(index.manifests, { os: "linux", architecture: "amd64" })[0]?.size, 3);
    assert.equal(matchPlatforms(index.manifests, { os: "linux", architecture: "arm64" })[0]?.size, 2);
  });

  for (const image of ["team/app:1", "docker.io/team/app:1", "index.docker.io/team/app:1"]) {
    test(`${image} is asked for at Docker Hub's API, with its token service`, async () => {
      simulator.play({
        "registry-1.docker.io": asking("https://auth.docker.io/token"),
        "auth.docker.io": ({ headers }) => ({
          status: headers.authorization === BASIC_HEADER ? 200 : 401,
          body: '{"token":"t0ken"}',
        }),
      });
      await using met = await open({ credential: BASIC }, image);
      await met.repository.resolve();
    });
  }

  test("GitLab's token service gets the password, a stranger's does not, and the refusal names it and the setting", async () => {
    const token = { body: '{"token":"t0ken"}' };
    simulator.play({
      "registry.gitlab.com": asking("https://gitlab.com/jwt/auth"),
      "gitlab.com": () => token,
      "registry.example": asking("https://evil.test/token"),
      "evil.test": () => token,
    });
    await using gitlab = await open({ credential: BASIC }, "registry.gitlab.com/team/app:1");
    await gitlab.repository.resolve();
    await using tricked = await open({ credential: BASIC });
    await assert.rejects(tricked.repository.resolve(), {
      code: "REALM_REFUSED",
      message: /"evil\.test"/,
      hint: /--allow-registry-realm registry\.example=evil\.test/,
    });
    assert.deepEqual(lines("evil.test"), []);
    await using anonymous = await open();
    await anonymous.repository.resolve();
  });

  test("a mirror that lacks the image or is down falls through to the registry; each has its own credential", async () => {
    const [mirror, origin] = [
      endpoint("https://mirror.test/v2", { credential: IDENTITY, namespace: "registry.example" }),
      endpoint("https://registry.example/v2", { isOrigin: true }),
    ];
    const hosts = () => Promise.resolve([endpoint("https://down.test/v2"), mirror, origin]);
    simulator.play({
      "mirror.test": () => ({ status: 404 }),
      "registry.example": asking("https://auth.registry.example/token"),
      "auth.registry.example": ({ headers }) => ({
        status: headers.authorization === BASIC_HEADER ? 200 : 403,
        body: '{"token":"t0ken"}',
      }),
    });
    await using met = await open({ hosts, credential: BASIC });
    await met.repository.resolve();
    assert.ok((await fetchLayer(met.repository)).equals(BLOB));
    const toMirror = simulator.seen.filter(({ host }) => host === "mirror.test");
    assert.ok(
      toMirror.every(
        ({ headers, query }) => headers.authorization === undefined && query.get("ns") === "registry.example",
      ),
    );
    const told = met.requests.map(
      ({ url, status, error }) => `${new URL(url).host} ${status ?? error?.replace(/[:(].*/, "")}`,
    );
    assert.deepEqual(
      [...new Set(told)].slice(0, 4).map((line) => line.split(" ")[0]),
      ["down.test", "mirror.test", "registry.example", "registry.example"],
    );
  });

  test("a registry that is down is served by its mirror; where all fail, the error names each", async () => {
    const hosts = () =>
      Promise.resolve([
        endpoint("https://mirror.test/v2"),
        endpoint("https://registry.example/v2", { isOrigin: true }),
      ]);
    simulator.play({ "mirror.test": honest });
    await using met = await open({ hosts, credential: BASIC });
    await met.repository.resolve();
    assert.ok((await fetchLayer(met.repository)).equals(BLOB));
    simulator.play({ "mirror.test": () => ({ status: 404 }), "registry.example": () => ({ status: 403 }) });
    await assert.rejects(met.repository.resolve(), {
      code: /NO_CREDENTIAL|CREDENTIAL_REFUSED/,
      message: /asked before: "mirror\.test" manifest unknown/,
    });
  });

  test("a mirror that sends wrong bytes or breaks off again and again is passed over", async () => {
    const hosts = () =>
      Promise.resolve([
        endpoint("https://mirror.test/v2"),
        endpoint("https://registry.example/v2", { isOrigin: true }),
      ]);
    simulator.play({
      "registry.example": honest,
      "mirror.test": ({ path }) => (path.includes("blobs") ? { body: BLOB, breakAfter: 0 } : { body: "{}" }),
    });
    await using met = await open({ hosts }, `registry.example/team/app@${digestOf(MANIFEST)}`);
    assert.equal((await met.repository.resolve()).descriptor.digest, digestOf(MANIFEST));
    assert.ok((await fetchLayer(met.repository)).equals(BLOB));
  });

  test("a proxy that asks for a password is named; with it the registry is reached", async () => {
    await using strict = await openRegistrySimulator(HOSTS, { proxyUser: "user:proxy-canary" });
    strict.play({ "registry.example": honest });
    const denied = meet(strict, IMAGE);
    await using _denied = denied.transport;
    await assert.rejects(denied.repository.resolve(), {
      code: "PROXY_FAILURE",
      message: /through the proxy "127.*\(407\)/,
    });
    const https = new URL(strict.proxyUrl);
    [https.username, https.password] = ["user", "proxy-canary"];
    const admitted = meet(strict, IMAGE, { proxies: { https, noProxy: [] } });
    await using _admitted = admitted.transport;
    await admitted.repository.resolve();
    const gone = meet(strict, IMAGE, {
      proxies: { https: new URL("http://user:proxy-canary@127.0.0.1:9"), noProxy: [] },
    });
    await using _gone = gone.transport;
    await assert.rejects(gone.repository.resolve(), (error: Error & { code?: string }) => {
      assert.equal(error.code, "PROXY_FAILURE");
      return error.message.includes("127.0.0.1:9") && !error.message.includes("proxy-canary");
    });
  });

  test("a stream of HTTP/2 that stands still is asked for anew from there on", async () => {
    const ranges: (string | undefined)[] = [];
    playOne(({ headers }) => {
      if (ranges.push(headers.range) === 1) return { body: BLOB, hangAfter: 100_000 };
      const start = Number(/\d+/.exec(headers.range ?? "")?.[0]);
      const range = `bytes ${start}-${BLOB.length - 1}/${BLOB.length}`;
      return { status: 206, headers: { "content-range": range }, body: BLOB.subarray(start) };
    });
    await using met = await open({ stallTimeoutMs: 1000 });
    assert.ok((await fetchLayer(met.repository)).equals(BLOB));
    assert.deepEqual(ranges, [undefined, "bytes=100000-"]);
  });

  test("what a registry warns of is in the trace, in one line", async () => {
    const warning = '299 - "This registry ends\\\\ in 2031: \\"move\\""';
    playOne((request) => {
      const answer = honest(request);
      return { ...answer, headers: { ...answer.headers, warning } };
    });
    await using met = await open();
    await met.repository.resolve();
    assert.equal(met.requests[0]?.warning, 'This registry ends\\ in 2031: "move"');
  });

  for (const status of [408, 425, 500, 502, 503, 504]) {
    test(`${status} is tried again, and told where it stays`, async () => {
      let asked = 0;
      playOne((request) => (++asked === 1 ? { status } : honest(request)));
      await using met = await open();
      await met.repository.resolve();
      playOne(() => ({ status }));
      await assert.rejects(met.repository.resolve(), { code: "SERVER_ERROR", status });
      assert.ok(simulator.seen.length >= 3);
    });
  }

  test("a connection that is reset is made again; one that brings no answer is given up in time", async () => {
    let asked = 0;
    playOne((request) => (++asked === 1 ? undefined : honest(request)));
    await using met = await open({ headersTimeoutMs: 500 });
    await met.repository.resolve();
    const waiting = Promise.withResolvers<undefined>();
    simulator.play({ "registry.example": () => waiting.promise });
    await assert.rejects(met.repository.resolve(), { code: "TIMED_OUT" });
    waiting.resolve(undefined);
  });
});

import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, test, type TestContext } from "node:test";

import { CriError } from "./cri-error.ts";
import type { ImageAdministration, LoadedImage } from "./image-administration.ts";
import { createImagesClient, isAnswering } from "./images-client.ts";
import { serveImages } from "./serve-images.ts";

/** What each test needs of the contract; the rest is refused. */
function images(methods: Partial<ImageAdministration>): ImageAdministration {
  const refuse = () => Promise.reject(new CriError("UNIMPLEMENTED", "Cannot do that here"));
  const refuseAll = async function* () {
    yield await refuse();
  };
  return {
    pull: refuseAll,
    push: refuseAll,
    save: refuseAll,
    list: refuse,
    inspect: refuse,
    tag: refuse,
    remove: refuse,
    prune: refuse,
    load: refuse,
    diskUsage: refuse,
    check: refuse,
    ...methods,
  };
}

async function open(t: TestContext, methods: Partial<ImageAdministration>) {
  const directory = await mkdtemp(join(tmpdir(), "berth-images-"));
  const path = join(directory, "images.sock");
  const server = await serveImages(path, images(methods));
  t.after(async () => {
    await server[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });
  return { path, client: createImagesClient(path), server };
}

async function* chunks(...parts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield await Promise.resolve(Buffer.from(part));
}

describe("berth.images.v1", () => {
  test("arguments, answers and errors with their hints come through", async (t) => {
    const { client } = await open(t, {
      tag: async (image, name) => await Promise.resolve(`${image} as ${name}`),
      inspect: () => Promise.reject(new CriError("NOT_FOUND", 'Cannot inspect "a"', { hint: "Look again" })),
    });
    assert.equal(await client.tag("a", "b"), "a as b");
    await assert.rejects(client.inspect("a"), { code: "NOT_FOUND", message: 'Cannot inspect "a"', hint: "Look again" });
  });

  test("events come as they are made, and an error after them ends the stream", async (t) => {
    const made = Promise.withResolvers<void>();
    const { client } = await open(t, {
      push: async function* () {
        yield { image: "a", blobs: [] };
        await made.promise;
        throw new CriError("UNAVAILABLE", "Cannot push");
      },
    });
    const seen: string[] = [];
    await assert.rejects(
      async () => {
        for await (const { image } of client.push({ image: "a" })) {
          seen.push(image);
          made.resolve();
        }
      },
      { code: "UNAVAILABLE" },
    );
    assert.deepEqual(seen, ["a"]);
  });

  test("archives stream in both directions", async (t) => {
    const { client } = await open(t, {
      load: async (archive): Promise<LoadedImage[]> => {
        const parts: Uint8Array[] = [];
        for await (const part of archive) parts.push(part);
        return [{ id: Buffer.concat(parts).toString(), names: [] }];
      },
      save: (names) => chunks("tar of ", ...names),
    });
    assert.deepEqual(await client.load(chunks("a", "b")), [{ id: "ab", names: [] }]);
    const saved: Uint8Array[] = [];
    for await (const part of client.save(["x", "y"])) saved.push(part);
    assert.equal(Buffer.concat(saved).toString(), "tar of xy");
  });

  test("an archive that breaks off is an error, never a shorter archive", async (t) => {
    const { client } = await open(t, {
      save: async function* () {
        yield Buffer.alloc(1024);
        await new Promise((resolve) => setTimeout(resolve, 20));
        throw new Error("the disk is gone");
      },
    });
    await assert.rejects(async () => {
      for await (const part of client.save(["x"])) assert.ok(part.length > 0);
    });
  });

  test("who stops reading a pull stops the pull", async (t) => {
    const stopped = Promise.withResolvers<void>();
    const { client } = await open(t, {
      pull: async function* (_request, signal) {
        signal?.addEventListener("abort", () => stopped.resolve());
        for (let round = 0; ; round++) {
          yield { pullId: String(round), image: "a", startedAt: 0, requests: [], layers: [] };
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      },
    });
    for await (const trace of client.pull({ image: "a" })) if (trace.pullId === "2") break;
    await stopped.promise;
  });

  test("only the owner reaches the socket, and nobody once it is closed", async (t) => {
    const { path, server } = await open(t, {});
    assert.equal((await stat(path)).mode & 0o777, 0o700);
    assert.equal(await isAnswering(path), true);
    await server[Symbol.asyncDispose]();
    assert.equal(await isAnswering(path), false);
  });

  test("requests that are too long, no list, or for another method are refused", async (t) => {
    const { path } = await open(t, {});
    assert.match(await post(path, "list", "x".repeat(5 * 1024 * 1024)), /too long|no answer/);
    assert.match(await post(path, "list", '{"password":"canary"}'), /it is no JSON list/);
    const broken = await post(path, "list", '["canary"');
    assert.match(broken, /it is no JSON list/);
    assert.doesNotMatch(broken, /canary/);
    assert.match(await post(path, "constructor", "[]"), /no such method/);
  });
});

async function post(socketPath: string, method: string, body: string): Promise<string> {
  const outgoing = request({ socketPath, method: "POST", path: `/berth.images.v1/${method}` });
  const { promise, resolve } = Promise.withResolvers<string>();
  outgoing.once("response", (answer) => {
    assert.equal(answer.statusCode, 400);
    resolve(text(answer));
  });
  // Closing on who sends too much may overtake the answer.
  outgoing.on("error", () => resolve("no answer"));
  outgoing.end(body);
  return await promise;
}

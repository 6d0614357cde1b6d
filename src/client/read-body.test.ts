import assert from "node:assert/strict";
import { test } from "node:test";
import { readLines, readText } from "./read-body.ts";

test("a line may arrive in any number of chunks, several in one", async () => {
  assert.deepEqual(await linesOf(["a", "bc\nde\n\nf", "\n"]), ["abc", "de", "", "f"]);
});

test("a multi-byte character split between chunks stays whole", async () => {
  const [first, second] = [Buffer.from("ü\n").subarray(0, 1), Buffer.from("ü\n").subarray(1)];
  assert.deepEqual(await linesOf([first, second]), ["ü"]);
});

test("a last line without newline is dropped, since the stream was cut within it", async () => {
  assert.deepEqual(await linesOf(["whole\ncut"]), ["whole"]);
});

test("a line over the limit throws BAD_RESPONSE, before its end has come", async () => {
  await assert.rejects(linesOf(["12345678", "9"], 8), { name: "ClientError", code: "BAD_RESPONSE" });
  await assert.rejects(linesOf(["123456789\n"], 8), { name: "ClientError", code: "BAD_RESPONSE" });
  assert.deepEqual(await linesOf(["12345678\n"], 8), ["12345678"]);
});

test("a body over the limit throws BAD_RESPONSE", async () => {
  assert.equal(await readText(chunksOf(["ab", "cd"]), 4), "abcd");
  await assert.rejects(readText(chunksOf(["ab", "cde"]), 4), { name: "ClientError", code: "BAD_RESPONSE" });
});

async function linesOf(chunks: readonly (string | Buffer)[], max = 100): Promise<string[]> {
  return await Array.fromAsync(readLines(chunksOf(chunks), max));
}

async function* chunksOf(chunks: readonly (string | Buffer)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(Buffer.from(chunk));
}

import { ClientError } from "./client-error.ts";

/** Yields the lines of a byte stream without their newline. A last line that has none is cut short, and dropped. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>, maxLineBytes: number): AsyncGenerator<string> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      checkSize("line", pendingBytes + end - start, maxLineBytes);
      yield textOf(pending, chunk.subarray(start, end));
      pending = [];
      pendingBytes = 0;
      start = end + 1;
    }
    if (start === chunk.length) continue;
    pending.push(chunk.subarray(start));
    pendingBytes += chunk.length - start;
    checkSize("line", pendingBytes, maxLineBytes);
  }
}

/** Returns a whole body as text. Throws `ClientError` with code `BAD_RESPONSE` when it is longer than `maxBytes`. */
export async function readText(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    checkSize("body", size, maxBytes);
    parts.push(chunk);
  }
  return Buffer.concat(parts, size).toString("utf8");
}

const NEWLINE = 0x0a;

function textOf(pending: readonly Uint8Array[], last: Uint8Array): string {
  return Buffer.concat([...pending, last]).toString("utf8");
}

function checkSize(what: string, size: number, max: number): void {
  if (size > max)
    throw new ClientError("BAD_RESPONSE", `Cannot read the answer: a ${what} is longer than ${max} bytes`);
}

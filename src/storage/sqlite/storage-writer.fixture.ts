import { writeSync } from "node:fs";
import { codeOf } from "../../base/coded-error.ts";
import { openSqliteStorage } from "./sqlite-storage.ts";

// A program that writes until it is killed, and prints each key with its revision once it was acknowledged.
// Arguments: the database's path, and how many writes are in flight.

const [path = "", writers = "1"] = process.argv.slice(2);
await using storage = await openSqliteStorage({ path });
let next = 0;

async function write(): Promise<void> {
  for (;;) {
    const key = `/k/${next++}`;
    try {
      const { revision } = await storage.txn({
        compares: [{ key, modRevision: 0 }],
        success: [{ kind: "put", key, value: Buffer.alloc(3000, "x") }],
        failure: [],
      });
      writeSync(1, `${key} ${revision}\n`);
    } catch (error) {
      writeSync(1, `${codeOf(error)}\n`);
    }
  }
}

await Promise.all(Array.from({ length: Number(writers) }, write));

/**
 * The image service alone, for `pull.ts`: opens the directory that is its first argument, `synced` or `unsynced` as the second
 * says. Reads lines `pull IMAGE` and `mount IMAGE DIRECTORY` and answers each with a line of JSON.
 */
import { createInterface } from "node:readline";
import { join } from "node:path";

import { messageOf } from "../src/base/coded-error.ts";
import { silentLogger } from "../src/base/log.ts";
import { createImageService } from "../src/images/image-service.ts";
import { openMetadata } from "../src/metadata/open-metadata.ts";
import { mountSnapshot } from "../src/snapshots/mount-snapshot.ts";

const [root = "", durability = "synced"] = process.argv.slice(2);
const metadata = await openMetadata(join(root, "engine.db"));
const images = await createImageService({ root, metadata, logger: silentLogger, isDurable: durability === "synced" });
console.log(JSON.stringify({ ok: true }));

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, image = "", directory = ""] = line.split(" ");
  try {
    if (verb === "pull") await images.pullImage({ image: { image } });
    else {
      const resolved = await images.resolveImage({ image });
      mountSnapshot(await images.snapshotter.prepareRootfs("bench", resolved?.chainId), directory);
    }
    console.log(JSON.stringify({ ok: true }));
  } catch (error) {
    console.log(JSON.stringify({ ok: false, message: messageOf(error) }));
  }
}
await images[Symbol.asyncDispose]();
metadata.close();

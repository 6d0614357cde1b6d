import { CodedError, messageOf } from "../base/coded-error.ts";
import { createLogger } from "../base/log.ts";
import { imagesInUse } from "../containers/images-in-use.ts";
import { serveImages } from "../cri/serve-images.ts";
import type { ImageStoreMessage, ImageStoreOrder } from "../instance/image-store-protocol.ts";
import { registryOptionsOf } from "../instance/registry-options.ts";
import { openImageStore } from "./open-image-store.ts";

// Started by `berth image` where no node runs: owns the images as long as the other end of the IPC channel is there.
const { paths, socketPath } = JSON.parse(process.argv[2] ?? "") as ImageStoreOrder;
const ended = new AbortController();
const gone = new Promise<void>((resolve) => process.once("disconnect", resolve));
process.once("disconnect", () => ended.abort(new DOMException("Nobody needs the images", "AbortError")));
// Ctrl-C reaches the whole process group; the command decides what follows.
process.on("SIGINT", () => {});
// Processes that rest keep nobody waiting; but what was opened must be given back in order.
const alive = setInterval(() => {}, 2 ** 30);
try {
  const logger = createLogger({ role: "images", level: "warn" });
  const registries = registryOptionsOf();
  await using store = await openImageStore({ paths, registries, logger, signal: ended.signal });
  const images = store.images.administer(async () => await imagesInUse(store.metadata));
  await using _server = await serveImages(socketPath, images);
  send({ type: "ready" });
  await gone;
} catch (error) {
  const hint = error instanceof CodedError ? error.hint : undefined;
  send({ type: "failed", message: messageOf(error), hint });
  process.exitCode = 1;
} finally {
  clearInterval(alive);
}
if (process.connected) process.disconnect();

function send(message: ImageStoreMessage): void {
  if (process.connected) process.send?.(message);
}

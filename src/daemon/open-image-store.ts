import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { lockFile } from "../base/file-lock.ts";
import type { Logger } from "../base/log.ts";
import { createImageService, type NodeImages } from "../images/image-service.ts";
import type { InstancePaths } from "../instance/instance-paths.ts";
import type { RegistryOptions } from "../instance/registry-options.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { openMetadata } from "../metadata/open-metadata.ts";
import { registryHostsOf } from "./registry-hosts-of.ts";

export interface ImageStoreOptions {
  readonly paths: InstancePaths;
  /** Where images are asked for; each registry itself and it alone where absent. */
  readonly registries: RegistryOptions | undefined;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** The images of a data directory and the database they are recorded in; disposing of it gives both back. */
export interface ImageStore extends AsyncDisposable {
  readonly metadata: Metadata;
  readonly images: NodeImages;
}

/** How long somebody else may still be at work with the store. */
const LOCK_WAIT_MS = 20_000;

/** Opens the images of a cluster, which one process at a time owns. Throws `FileLockError` with code `LOCKED`. */
export async function openImageStore(options: ImageStoreOptions): Promise<ImageStore> {
  const { paths, logger, signal } = options;
  await using stack = new AsyncDisposableStack();
  await mkdir(paths.engineDir, { recursive: true, mode: 0o700 });
  stack.use(await lockFile(paths.engineLock, { waitMs: LOCK_WAIT_MS, signal }));
  const metadata = stack.use(await openMetadata(join(paths.engineDir, "metadata.db")));
  const registries = registryHostsOf(options.registries);
  await registries?.check();
  const hosts = registries === undefined ? {} : { hosts: registries.hosts };
  const images = stack.use(await createImageService({ root: paths.engineDir, metadata, logger, ...hosts }));
  const owned = stack.move();
  return { metadata, images, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

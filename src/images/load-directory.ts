import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

import { codeOf } from "../base/coded-error.ts";
import type { ImageContext } from "./image-context.ts";

const ARCHIVE = /\.(?:tar|tar\.gz|tgz|tar\.zst|tzst)$/;

/**
 * Loads the archives (`*.tar`, `.tar.gz`, `.tgz`, `.tar.zst`, `.tzst`) in a directory, in the order of their names, each
 * one once: again only when it has changed. One that cannot be loaded is logged and tried again at the next start.
 */
export async function loadDirectory(context: ImageContext, directory: string, signal?: AbortSignal): Promise<void> {
  for (const name of await archivesIn(directory)) {
    signal?.throwIfAborted();
    const path = join(directory, name);
    try {
      await loadOnce(context, path, signal);
    } catch (error) {
      if (signal?.aborted === true) throw error;
      context.logger.warn({ path, error }, "cannot load an archive of images");
    }
  }
}

async function archivesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((name) => ARCHIVE.test(name)).toSorted();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

async function loadOnce(context: ImageContext, path: string, signal: AbortSignal | undefined): Promise<void> {
  const { archives } = context.records;
  const { ino, size, mtimeNs } = await stat(path, { bigint: true });
  const version = `${ino}:${size}:${mtimeNs}`;
  if (archives.get(path)?.version === version) return;
  // Most nodes have nothing to load.
  const { loadImages } = await import("./load-images.ts");
  const images = await loadImages(context, createReadStream(path), signal);
  await archives.put(path, { version });
  context.logger.info({ path, images }, "loaded an archive of images");
}

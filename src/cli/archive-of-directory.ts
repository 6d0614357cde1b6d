import { open, readdir } from "node:fs/promises";
import { join } from "node:path";

import { tarEnd, tarFileHeader, tarPadding } from "../oci/tar-file.ts";

/** Files of an OCI image layout and of an unpacked docker archive lie at most this deep. */
const MAX_DEPTH = 3;

/** Yields a directory, an OCI image layout say, as the archive it could have been unpacked from; links are left out. */
export async function* archiveOfDirectory(directory: string): AsyncGenerator<Uint8Array> {
  for await (const name of filesIn(directory, "", MAX_DEPTH)) {
    await using file = await open(join(directory, name), "r");
    const { size } = await file.stat();
    yield tarFileHeader(name, size);
    // A file that grows meanwhile must not run into the next one.
    if (size > 0) {
      for await (const chunk of file.createReadStream({ autoClose: false, end: size - 1 })) yield chunk as Buffer;
    }
    yield tarPadding(size);
  }
  yield tarEnd();
}

async function* filesIn(directory: string, below: string, depth: number): AsyncGenerator<string> {
  const entries = await readdir(join(directory, below), { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => a.name.localeCompare(b.name))) {
    const name = join(below, entry.name);
    if (entry.isFile()) yield name;
    else if (entry.isDirectory() && depth > 1) yield* filesIn(directory, name, depth - 1);
  }
}

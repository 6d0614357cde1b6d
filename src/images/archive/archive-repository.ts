import { Readable } from "node:stream";

import type { Descriptor } from "../../oci/descriptor.ts";
import type { Repository } from "../../registry/registry-client.ts";
import type { ArchivedImage } from "./archive-images.ts";
import { invalidArchive } from "./invalid-archive.ts";
import type { Archive } from "./open-archive.ts";
import type { TarRegion } from "./tar-index.ts";

/** Returns an image of an archive as if a registry had it, so that it is taken up with the same checks. */
export function archiveRepository(archive: Archive, image: ArchivedImage): Repository {
  return {
    resolve: async () => await Promise.resolve({ descriptor: image.descriptor }),
    fetchManifest: async (descriptor) => {
      const place = placeOf(image, descriptor);
      return Buffer.isBuffer(place) ? place : await archive.read(place, descriptor.size);
    },
    fetchBlob: (descriptor, offset) => {
      const place = placeOf(image, descriptor);
      return Buffer.isBuffer(place) ? Readable.from([place.subarray(offset)]) : archive.stream(place, offset);
    },
  };
}

function placeOf({ blobs }: ArchivedImage, { digest, size }: Descriptor): TarRegion | Buffer {
  const place = blobs(digest);
  if (place === undefined) throw invalidArchive(`it lacks the blob ${digest}`);
  const length = Buffer.isBuffer(place) ? place.length : place.size;
  if (length !== size) throw invalidArchive(`the blob ${digest} has ${length} bytes, not the ${size} announced`);
  return place;
}

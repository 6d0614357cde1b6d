import type { BuiltImage } from "../../src/testing/image-builder.ts";
import type { SimulatedHost } from "../../src/testing/registry-simulator.ts";

/** Plays a registry that has this image under every repository, as tag `v1`. */
export function serving(image: BuiltImage): SimulatedHost {
  const documents = new Map(
    image.manifests.flatMap(({ descriptor, bytes }) => {
      const entry = { type: descriptor.mediaType, bytes: Buffer.from(bytes) };
      const isTagged = descriptor.digest === image.descriptor.digest;
      return [[String(descriptor.digest), entry] as const, ...(isTagged ? [["v1", entry] as const] : [])];
    }),
  );
  const blobs = new Map<string, Uint8Array>(image.blobs);
  return ({ path }) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    const document = documents.get(name);
    if (path.includes("/manifests/") && document !== undefined) {
      return { headers: { "content-type": document.type }, body: document.bytes };
    }
    const blob = blobs.get(name);
    return blob === undefined ? { status: 404 } : { body: Buffer.from(blob) };
  };
}

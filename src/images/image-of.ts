import type { Image } from "../cri/image-service.ts";
import type { FoundImage } from "./find-image.ts";
import type { ImageContext } from "./image-context.ts";
import type { ImageRecord } from "./image-records.ts";

/** Returns an image in CRI's form. */
export function imageOf({ records }: ImageContext, { id, record }: FoundImage): Image {
  const names = records.names.list().filter((name) => name.record.imageId === id);
  const repoDigests = names.map((name) => `${repositoryOf(name.id)}@${name.record.target}`);
  return {
    id,
    repoTags: names.map((name) => name.id).filter((name) => !name.includes("@")),
    repoDigests: [...new Set(repoDigests)],
    size: sizeOf(record),
    ...userOf(record.user),
    spec: { image: id },
    // CRI has no other way to tell whoever collects garbage that an image must stay.
    pinned: record.pinned || record.preloaded === true,
  };
}

/** Returns the repository of a recorded name. */
function repositoryOf(name: string): string {
  const withoutDigest = name.split("@", 1)[0] ?? "";
  const colon = withoutDigest.indexOf(":", withoutDigest.lastIndexOf("/"));
  return colon < 0 || name.includes("@") ? withoutDigest : withoutDigest.slice(0, colon);
}

/** Returns the compressed size of all of an image's blobs, in bytes. */
function sizeOf({ config, documents, layers }: ImageRecord): number {
  return [config, ...documents, ...layers].reduce((sum, blob) => sum + blob.size, 0);
}

/** Numbers as large as 2^31 are names, not ids: they wrap around elsewhere (CVE-2024-40635). */
function userOf(user: string): { readonly uid?: number; readonly username?: string } {
  const name = user.split(":", 1)[0] ?? "";
  if (name === "") return {};
  return /^\d{1,10}$/.test(name) && Number(name) < 2 ** 31 ? { uid: Number(name) } : { username: name };
}

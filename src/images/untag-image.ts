import { CriError } from "../cri/cri-error.ts";
import type { RemovedImage } from "../cri/image-administration.ts";
import { collectGarbage } from "./collect-garbage.ts";
import type { ImageContext } from "./image-context.ts";
import { namesOf, recordedName, requireImage, tagsOf } from "./name-image.ts";

/**
 * Removes one name of an image; with its last tag, or when it is named by its id, the image. An image with several tags goes
 * by id only with `force`. Throws `CriError`: `NOT_FOUND`, `FAILED_PRECONDITION`.
 */
export async function untagImage(
  context: ImageContext,
  image: string,
  { force }: { readonly force: boolean },
): Promise<RemovedImage> {
  const name = recordedName(context, image);
  const { records } = context;
  // An image that lost a part can still be removed.
  const id = name === undefined ? (await requireImage(context, image, "remove")).id : records.names.get(name)?.imageId;
  if (id === undefined) return { names: [] };
  const tags = tagsOf(context, id);
  const others = tags.filter((tag) => tag !== name);
  if (name !== undefined && others.length > 0 && !name.includes("@")) {
    await records.names.delete(name);
    return { names: [name] };
  }
  if (tags.length > 1 && !force) {
    throw new CriError("FAILED_PRECONDITION", `Cannot remove "${image}": it has ${tags.length} names`, {
      hint: `Remove them one by one, or all with --force: ${tags.slice(0, 10).join(", ")}`,
    });
  }
  const names = namesOf(context, id);
  await records.metadata.transaction([
    ...names.map((other) => records.names.deleting(other)),
    records.images.deleting(id),
  ]);
  await collectGarbage(context);
  return { names, id };
}

import { CriError } from "../cri/cri-error.ts";
import { formatReference, parseReference, withDefaultTag } from "../oci/reference.ts";
import { messageOf } from "../base/coded-error.ts";
import { findImage, type FoundImage, nameOf } from "./find-image.ts";
import type { ImageContext } from "./image-context.ts";

/** Returns the image, all of it. Throws `CriError` with code `NOT_FOUND`. */
export async function requireImage(context: ImageContext, image: string, verb: string): Promise<FoundImage> {
  const found = await findImage(context, { image });
  if (found !== undefined) return found;
  throw new CriError("NOT_FOUND", `Cannot ${verb} "${image.slice(0, 300)}": the node does not have it`, {
    hint: "See what it has: berth image ls",
  });
}

/** Returns the names of an image, in their normal form. */
export function namesOf({ records }: ImageContext, id: string): string[] {
  return records.names
    .list()
    .filter(({ record }) => record.imageId === id)
    .map((name) => name.id);
}

/** Returns the names with a tag. */
export function tagsOf(context: ImageContext, id: string): string[] {
  return namesOf(context, id).filter((name) => !name.includes("@"));
}

/** Returns the name under which `text` is recorded, or undefined where it is no name or none is recorded. */
export function recordedName({ records }: ImageContext, text: string): string | undefined {
  try {
    const name = nameOf(parseReference(text));
    return records.names.get(name) === undefined ? undefined : name;
  } catch {
    return undefined;
  }
}

/** Gives an image another name; returns it in its normal form. Throws `CriError`: `NOT_FOUND`, `INVALID_ARGUMENT`. */
export async function tagImage(context: ImageContext, image: string, name: string): Promise<string> {
  const { id, record } = await requireImage(context, image, "tag");
  const reference = parseName(name);
  if (reference.digest !== undefined) {
    throw new CriError("INVALID_ARGUMENT", `Cannot tag with "${name}": a digest is given by content, not by name`);
  }
  const known = recordedName(context, image);
  const target = known === undefined ? undefined : context.records.names.get(known)?.target;
  const first = record.documents[0]?.digest ?? id;
  const text = formatReference(reference);
  await context.records.names.put(text, { imageId: id, target: target ?? first });
  return text;
}

function parseName(name: string) {
  try {
    return withDefaultTag(parseReference(name));
  } catch (error) {
    throw new CriError("INVALID_ARGUMENT", messageOf(error), { cause: error });
  }
}

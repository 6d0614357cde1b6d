import { CriError } from "../../cri/cri-error.ts";

/** Returns the error of an archive that cannot be loaded, e.g. because `it lacks "manifest.json"`. */
export function invalidArchive(reason: string, cause?: unknown): CriError {
  return new CriError("INVALID_ARGUMENT", `Cannot load the archive: ${reason}`, {
    cause,
    hint: "Images are loaded from what `berth image save`, `docker save`, `podman save` or `skopeo copy` write.",
  });
}

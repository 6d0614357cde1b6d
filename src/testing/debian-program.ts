import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Returns the path of a program of a Debian package that `tools/set-up` unpacks beside the project, never installs.
 * Whether the file is there is for the caller to see.
 */
export function debianProgram(packageName: string, path: string): string {
  return join(fileURLToPath(new URL("../../.cache/debian", import.meta.url)), packageName, path);
}

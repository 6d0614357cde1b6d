import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";

import { programPath } from "../base/program-path.ts";

/**
 * Returns the path of a program on the PATH, undefined where there is none. The system's own directories are searched
 * after it, since a user's PATH often lacks those for administrators.
 */
export async function findProgram(name: string, path = process.env["PATH"]): Promise<string | undefined> {
  for (const directory of programPath(path).split(delimiter)) {
    const file = join(directory, name);
    if (await isExecutable(file)) return file;
  }
  return undefined;
}

/** Whether the file exists and this user may run it. */
export async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** Returns a digest of all below a directory: names, types, modes, owners, times, link targets and content. */
export function treeDigest(root: string): string {
  const hash = createHash("sha256");
  const visit = (path: string): void => {
    for (const name of readdirSync(join(root, path)).sort()) {
      const at = join(path, name);
      const stat = lstatSync(join(root, at));
      hash.update(JSON.stringify([at, stat.mode, stat.uid, stat.gid, Math.floor(stat.mtimeMs / 1000)]));
      if (stat.isSymbolicLink()) hash.update(readlinkSync(join(root, at)));
      if (stat.isFile()) hash.update(readFileSync(join(root, at)));
      if (stat.isDirectory()) visit(at);
    }
  };
  visit("");
  return hash.digest("hex");
}

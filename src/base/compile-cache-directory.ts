import { homedir, userInfo } from "node:os";
import { join } from "node:path";

/**
 * Returns the directory for Node's compile cache: one that only this user writes, since what lies there is executed.
 * `NODE_COMPILE_CACHE` wins.
 */
export function compileCacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  const chosen = env["NODE_COMPILE_CACHE"];
  if (chosen !== undefined && chosen !== "") return chosen;
  const cacheHome = userInfo().uid === 0 ? "/var/cache" : (env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"));
  return join(cacheHome, "berth");
}

import { delimiter } from "node:path";

/** Returns a PATH with the system's own directories after it, since a user's PATH often lacks those for administrators. */
export function programPath(path: string | undefined): string {
  const named = (path ?? "").split(delimiter).filter((directory) => directory.startsWith("/"));
  return [...new Set([...named, ...SYSTEM_DIRECTORIES])].join(delimiter);
}

const SYSTEM_DIRECTORIES = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"];

import { extname } from "node:path";

/**
 * Returns the URL of a module beside the caller, for `new Worker` and child processes: `.ts` in the checkout, `.js` in the
 * package (Node refuses `.ts` under `node_modules`). `name` has no extension.
 */
export function siblingModule(importMetaUrl: string, name: string): URL {
  return new URL(name + extname(new URL(importMetaUrl).pathname), importMetaUrl);
}

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { openClusterFixture, type ClusterFixture } from "../../src/testing/cluster-fixture.ts";

/** Starts a cluster whose first node process is armed; those that follow it are not. */
export async function openArmedFixture(failpoints: string): Promise<ClusterFixture> {
  process.env["BERTH_FAILPOINTS"] = failpoints;
  try {
    return await openClusterFixture();
  } finally {
    delete process.env["BERTH_FAILPOINTS"];
  }
}

/** Returns the names of all failpoints in the sources of some folders of `src/`. */
export function readFailpoints(folders: readonly string[]): string[] {
  const source = join(import.meta.dirname, "../../src");
  const texts = folders.flatMap((folder) =>
    readdirSync(join(source, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
      .map((file) => readFileSync(join(source, folder, file), "utf8")),
  );
  const matches = texts.flatMap((text) => [...text.matchAll(/failpoint\("([a-z.-]+)"\)/g)]);
  return [...new Set(matches.map((match) => match[1] ?? ""))];
}

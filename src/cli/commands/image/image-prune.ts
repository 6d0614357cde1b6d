import type { Command } from "commander";

import { addIdentityFlags, readFlags, type IdentityFlags } from "../../cluster-flags.ts";
import { formatBytes } from "../../../base/format-bytes.ts";
import { openImages } from "../../open-images.ts";

interface PruneFlags extends IdentityFlags {
  readonly all: boolean;
}

/** `berth image prune`. */
export function defineImagePrune(parent: Command): void {
  addIdentityFlags(parent.command("prune"))
    .description("Remove the images that no container uses and that pods brought")
    .option("-a, --all", "those too that were pulled or loaded with berth image", false)
    .action(async (_flags: unknown, command: Command) => {
      const flags = await readFlags<PruneFlags>(command);
      await using open = await openImages(flags, { verb: "prune the images of" });
      const { ids, bytes } = await open.images.prune({ all: flags.all });
      for (const id of ids) process.stdout.write(`removed ${id}\n`);
      process.stderr.write(`${ids.length === 1 ? "1 image" : `${ids.length} images`}, ${formatBytes(bytes)} freed\n`);
    });
}

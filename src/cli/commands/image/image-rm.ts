import type { Command } from "commander";

import { addIdentityFlags, readFlags, type IdentityFlags } from "../../cluster-flags.ts";
import { openImages } from "../../open-images.ts";

interface RmFlags extends IdentityFlags {
  readonly force: boolean;
}

/** `berth image rm`. */
export function defineImageRm(parent: Command): void {
  addIdentityFlags(parent.command("rm"))
    .description("Remove names of images; with its last name the image goes. Containers keep what they run on")
    .argument("<images...>", "names in any spelling, or ids")
    .option("-f, --force", "an id goes with all names of its image", false)
    .action(async (names: readonly string[], _flags: unknown, command: Command) => {
      const flags = await readFlags<RmFlags>(command);
      await using open = await openImages(flags, { verb: "remove images of" });
      for (const image of names) {
        const removed = await open.images.remove(image, { force: flags.force });
        for (const name of removed.names) process.stdout.write(`untagged ${name}\n`);
        if (removed.id !== undefined) process.stdout.write(`removed ${removed.id}\n`);
      }
    });
}

import type { Command } from "commander";

import { addIdentityFlags, readFlags, type IdentityFlags } from "../../cluster-flags.ts";
import { openImages } from "../../open-images.ts";

/** `berth image tag`. */
export function defineImageTag(parent: Command): void {
  addIdentityFlags(parent.command("tag"))
    .description("Give an image another name")
    .argument("<image>", "a name in any spelling, or an id")
    .argument("<name>", "the new name")
    .action(async (image: string, name: string, _flags: unknown, command: Command) => {
      await using open = await openImages(await readFlags<IdentityFlags>(command), { verb: "tag an image of" });
      process.stdout.write(`${await open.images.tag(image, name)}\n`);
    });
}

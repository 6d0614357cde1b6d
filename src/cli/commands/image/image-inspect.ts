import { type Command, Option } from "commander";

import { addIdentityFlags, readFlags, type IdentityFlags } from "../../cluster-flags.ts";
import { openImages } from "../../open-images.ts";
import { OUTPUT_FORMATS, type OutputFormat, printObject } from "../../print-object.ts";

interface InspectFlags extends IdentityFlags {
  readonly output: OutputFormat;
}

/** `berth image inspect`. */
export function defineImageInspect(parent: Command): void {
  addIdentityFlags(parent.command("inspect"))
    .description("Show all there is to know of an image: names, digests, layers and its config")
    .argument("<image>", "a name in any spelling, or an id")
    .addOption(new Option("-o, --output <format>", "form of what is printed").choices(OUTPUT_FORMATS).default("json"))
    .action(async (image: string, _flags: unknown, command: Command) => {
      const flags = await readFlags<InspectFlags>(command);
      await using open = await openImages(flags, { verb: "inspect an image of" });
      await printObject(await open.images.inspect(image), flags.output);
    });
}

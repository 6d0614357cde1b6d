import { type Command, Option } from "commander";

import type { ListedImage } from "../../../cri/image-administration.ts";
import { addIdentityFlags, readFlags, type IdentityFlags } from "../../cluster-flags.ts";
import { formatBytes } from "../../../base/format-bytes.ts";
import { openImages } from "../../open-images.ts";
import { OUTPUT_FORMATS, type OutputFormat, printObject } from "../../print-object.ts";
import { printTable } from "../../print-table.ts";
import { shortDigest } from "../../render-pull.ts";

interface LsFlags extends IdentityFlags {
  readonly output?: OutputFormat;
  readonly quiet: boolean;
}

/** `berth image ls`. */
export function defineImageLs(parent: Command): void {
  addIdentityFlags(parent.command("ls"))
    .alias("list")
    .description("List the images of the node")
    .option("-q, --quiet", "ids alone", false)
    .addOption(new Option("-o, --output <format>", "for programs").choices(OUTPUT_FORMATS))
    .action(async (_flags: unknown, command: Command) => {
      const flags = await readFlags<LsFlags>(command);
      await using open = await openImages(flags, { verb: "list the images of" });
      const images = await open.images.list();
      if (flags.output !== undefined) await printObject(images, flags.output);
      else if (flags.quiet) for (const { id } of images) process.stdout.write(`${id}\n`);
      else printTable(["IMAGE", "ID", "PLATFORM", "SIZE", "KEPT"], images.flatMap(rowsOf));
    });
}

function rowsOf({ names, repoDigests, id, platform, size, preloaded }: ListedImage): string[][] {
  const shown = names.length > 0 ? names : [repoDigests[0] ?? "<none>"];
  const kept = preloaded ? "until removed" : "while used";
  return shown.map((name) => [name, shortDigest(id), platform, formatBytes(size), kept]);
}

import { createReadStream } from "node:fs";

import { type Command, Option } from "commander";

import { CliError } from "../../cli-error.ts";
import { addIdentityFlags, readFlags, type IdentityFlags } from "../../cluster-flags.ts";
import { openImages } from "../../open-images.ts";
import { OUTPUT_FORMATS, type OutputFormat, printObject } from "../../print-object.ts";

interface LoadFlags extends IdentityFlags {
  readonly input?: string;
  readonly output?: OutputFormat;
}

/** `berth image load`. */
export function defineImageLoad(parent: Command): void {
  addIdentityFlags(parent.command("load"))
    .description("Load images from an archive onto the node; they stay until somebody removes them")
    .option("-i, --input <file>", "docker archive or OCI image layout, plain, gzip or zstd (default: standard input)")
    .addOption(new Option("-o, --output <format>", "for programs").choices(OUTPUT_FORMATS))
    .addHelpText("after", "\nExamples:\n  berth image load -i app.tar.gz\n  docker save team/app | berth image load")
    .action(async (_flags: unknown, command: Command) => {
      const flags = await readFlags<LoadFlags>(command);
      if (flags.input === undefined && process.stdin.isTTY) {
        throw new CliError("FLAG_INVALID", "Cannot load an archive from a terminal", {
          hint: "Name a file: -i app.tar",
        });
      }
      await using open = await openImages(flags, { verb: "load images for", creates: true });
      const source = flags.input === undefined ? process.stdin : createReadStream(flags.input);
      const loaded = await open.images.load(source as AsyncIterable<Buffer>);
      if (flags.output !== undefined) return await printObject(loaded, flags.output);
      for (const { id, names } of loaded)
        process.stdout.write(`loaded ${names.length === 0 ? id : names.join(", ")}\n`);
    });
}

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";

import { type Command, Option } from "commander";

import { messageOf } from "../../../base/coded-error.ts";
import { archiveOfDirectory } from "../../archive-of-directory.ts";
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
    .option(
      "-i, --input <file>",
      "docker archive or OCI image layout, plain, gzip or zstd, or a directory (default: standard input)",
    )
    .addOption(new Option("-o, --output <format>", "for programs").choices(OUTPUT_FORMATS))
    .addHelpText("after", "\nExamples:\n  berth image load -i app.tar.gz\n  docker save team/app | berth image load")
    .action(async (_flags: unknown, command: Command) => {
      const flags = await readFlags<LoadFlags>(command);
      if (flags.input === undefined && process.stdin.isTTY) {
        throw new CliError("FLAG_INVALID", "Cannot load an archive from a terminal", {
          hint: "Name a file: -i app.tar",
        });
      }
      const source = await sourceOf(flags.input);
      await using open = await openImages(flags, { verb: "load images for", creates: true });
      const loaded = await open.images.load(source);
      if (flags.output !== undefined) return await printObject(loaded, flags.output);
      for (const { id, names } of loaded)
        process.stdout.write(`loaded ${names.length === 0 ? id : names.join(", ")}\n`);
    });
}

async function sourceOf(input: string | undefined): Promise<AsyncIterable<Uint8Array>> {
  if (input === undefined) return process.stdin as AsyncIterable<Buffer>;
  return (await isDirectory(input)) ? archiveOfDirectory(input) : (createReadStream(input) as AsyncIterable<Buffer>);
}

async function isDirectory(input: string): Promise<boolean> {
  try {
    return (await stat(input)).isDirectory();
  } catch (error) {
    throw new CliError("FLAG_INVALID", `Cannot load "${input}": ${messageOf(error)}`, { cause: error });
  }
}

import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Readable, type Transform } from "node:stream";
import { pipeline } from "node:stream/promises";

import type { Command } from "commander";

import { messageOf } from "../../../base/coded-error.ts";
import { CriError } from "../../../cri/cri-error.ts";
import type { ImageAdministration } from "../../../cri/image-administration.ts";
import { CliError } from "../../cli-error.ts";
import { addIdentityFlags, readFlags, type IdentityFlags } from "../../cluster-flags.ts";
import { openImages } from "../../open-images.ts";

interface SaveFlags extends IdentityFlags {
  readonly output?: string;
}

/** `berth image save`. */
export function defineImageSave(parent: Command): void {
  addIdentityFlags(parent.command("save"))
    .description("Write images as an archive that docker, podman, containerd and Berth load")
    .argument("<images...>", "names in any spelling, or ids")
    .option("-o, --output <file>", "compressed where it ends in .gz, .tgz, .zst or .tzst (default: standard output)")
    .addHelpText(
      "after",
      "\nExamples:\n  berth image save team/app:v1 -o app.tar.gz\n  berth image save app | docker load",
    )
    .action(async (names: readonly string[], _flags: unknown, command: Command) => {
      const flags = await readFlags<SaveFlags>(command);
      if (flags.output === undefined && process.stdout.isTTY) {
        throw new CliError("FLAG_INVALID", "Cannot write an archive to a terminal", {
          hint: "Name a file: -o app.tar",
        });
      }
      await using open = await openImages(flags, { verb: "save images of" });
      await save(open.images, names, flags.output);
    });
}

async function save(images: ImageAdministration, names: readonly string[], file: string | undefined): Promise<void> {
  const archive = Readable.from(images.save(names), { objectMode: false });
  if (file === undefined) {
    await pipeline(archive, process.stdout);
    return;
  }
  const partial = `${file}.partial`;
  const compressor = await compressorFor(file);
  const target = createWriteStream(partial, { mode: 0o600 });
  try {
    await (compressor === undefined ? pipeline(archive, target) : pipeline(archive, compressor, target));
    await rename(partial, file);
  } catch (error) {
    // Half an archive under the right name would be taken for a whole one.
    await rm(partial, { force: true });
    if (error instanceof CriError) throw error;
    throw new CliError("FLAG_INVALID", `Cannot write "${file}": ${messageOf(error)}`, { cause: error });
  }
}

async function compressorFor(file: string): Promise<Transform | undefined> {
  const { createGzip, createZstdCompress } = await import("node:zlib");
  if (/\.(?:gz|tgz)$/.test(file)) return createGzip({ level: 1 });
  return /\.t?zst$/.test(file) ? createZstdCompress() : undefined;
}

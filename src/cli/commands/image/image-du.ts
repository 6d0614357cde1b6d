import { type Command, Option } from "commander";

import type { DiskUsage } from "../../../cri/image-administration.ts";
import { addIdentityFlags, readFlags, type IdentityFlags } from "../../cluster-flags.ts";
import { formatBytes } from "../../../base/format-bytes.ts";
import { openImages } from "../../open-images.ts";
import { OUTPUT_FORMATS, type OutputFormat, printObject } from "../../print-object.ts";
import { printTable } from "../../print-table.ts";
import { shortDigest } from "../../render-pull.ts";

interface DuFlags extends IdentityFlags {
  readonly output?: OutputFormat;
}

/** `berth image du`. */
export function defineImageDu(parent: Command): void {
  addIdentityFlags(parent.command("du"))
    .description("Show what images take on disk")
    .addOption(new Option("-o, --output <format>", "for programs").choices(OUTPUT_FORMATS))
    .action(async (_flags: unknown, command: Command) => {
      const flags = await readFlags<DuFlags>(command);
      await using open = await openImages(flags, { verb: "measure the images of" });
      const usage = await open.images.diskUsage();
      if (flags.output === undefined) show(usage);
      else await printObject(usage, flags.output);
    });
}

function show({ images, contentBytes, layerBytes, containerBytes }: DiskUsage): void {
  const rows = images.map(({ id, names, size, sharedSize, unpackedSize }) => [
    names[0] ?? shortDigest(id),
    formatBytes(size),
    formatBytes(sharedSize),
    formatBytes(unpackedSize),
  ]);
  printTable(["IMAGE", "BLOBS", "SHARED", "UNPACKED"], rows);
  const all = `${formatBytes(contentBytes)} of blobs, ${formatBytes(layerBytes)} of layers`;
  process.stdout.write(`\n${all}, ${formatBytes(containerBytes)} written by containers\n`);
}

import { type Command, Option } from "commander";

import type { CheckReport } from "../../../cri/image-administration.ts";
import { addIdentityFlags, readFlags, type IdentityFlags } from "../../cluster-flags.ts";
import { formatBytes } from "../../../base/format-bytes.ts";
import { openImages } from "../../open-images.ts";
import { OUTPUT_FORMATS, type OutputFormat, printObject } from "../../print-object.ts";

interface CheckFlags extends IdentityFlags {
  readonly repair: boolean;
  readonly output?: OutputFormat;
}

/** `berth image check`: exit code 0 when all is right or repaired, 1 otherwise. */
export function defineImageCheck(parent: Command): void {
  addIdentityFlags(parent.command("check"))
    .description("Compare every blob on disk with its digest (exit code 0 when all is right or repaired, 1 otherwise)")
    .option("--repair", "drop what is wrong and pull it again", false)
    .addOption(new Option("-o, --output <format>", "for programs").choices(OUTPUT_FORMATS))
    .action(async (_flags: unknown, command: Command) => {
      const flags = await readFlags<CheckFlags>(command);
      await using open = await openImages(flags, { verb: "check the images of" });
      const report = await open.images.check({ repair: flags.repair });
      if (flags.output === undefined) show(report);
      else await printObject(report, flags.output);
      process.exitCode = report.problems.every(({ repaired }) => repaired) ? 0 : 1;
    });
}

function show({ blobs, bytes, problems }: CheckReport): void {
  for (const { id, names, faults, repaired, reason } of problems) {
    const outcome = repaired ? "repaired" : reason === undefined ? "" : `not repaired: ${reason}`;
    process.stdout.write(`${[names[0] ?? id, ...faults, outcome].filter((line) => line !== "").join("\n  ")}\n`);
  }
  const verdict = problems.length === 0 ? "all as they should be" : `${problems.length} images with faults`;
  process.stdout.write(`${blobs} blobs, ${formatBytes(bytes)}: ${verdict}\n`);
}

import { arch, platform } from "node:os";

import { type Command, Option } from "commander";

import { packageVersion } from "../../base/package-version.ts";
import { OUTPUT_FORMATS, printObject, type OutputFormat } from "../print-object.ts";

/** `berth version`. */
export function defineVersion(parent: Command): void {
  parent
    .command("version")
    .description("Show versions")
    .addOption(new Option("-o, --output <format>", "for programs").choices(OUTPUT_FORMATS))
    .action(async ({ output }: { readonly output?: OutputFormat }) => {
      const versions = { version: packageVersion(), node: process.version, platform: `${platform()}/${arch()}` };
      if (output !== undefined) await printObject(versions, output);
      else process.stdout.write(`berth ${versions.version} (Node ${versions.node}, ${versions.platform})\n`);
    });
}

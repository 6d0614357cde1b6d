import { type Command, Option } from "commander";

import type { AuthConfig } from "../../../cri/image-service.ts";
import { addIdentityFlags, readFlags, type IdentityFlags } from "../../cluster-flags.ts";
import { parseCreds, withCredentials } from "../../image-credentials.ts";
import { openImages } from "../../open-images.ts";
import { createPullProgress, type PullStyle } from "../../pull-progress.ts";

interface PullFlags extends IdentityFlags {
  readonly platform?: string;
  readonly allPlatforms: boolean;
  readonly creds?: AuthConfig;
  readonly quiet: boolean;
  readonly output?: "json";
}

/** `berth image pull`. */
export function defineImagePull(parent: Command): void {
  addIdentityFlags(parent.command("pull"))
    .description("Pull an image onto the node; it stays until somebody removes it")
    .argument("<image>", "its name in any spelling")
    .option("--platform <platform>", "os/architecture[/variant] (default: the node's)")
    .option("--all-platforms", "fetch its other platforms too, to save or push it", false)
    .option("--creds <user:password>", "for the registry (default: docker's config files, as the node)", parseCreds)
    .option("-q, --quiet", "print the id alone", false)
    .addOption(new Option("-o, --output <format>", "each step of the pull as a line").choices(["json"]))
    .addHelpText(
      "after",
      "\nExamples:\n  berth image pull busybox\n  berth image pull --creds u:p host:5000/team/app:v1",
    )
    .action(async (image: string, _flags: unknown, command: Command) => {
      await pull(image, await readFlags<PullFlags>(command));
    });
}

async function pull(image: string, flags: PullFlags): Promise<void> {
  await using open = await openImages(flags, { verb: "pull an image for", creates: true });
  const { images, instance } = open;
  const progress = createPullProgress(styleOf(flags));
  let id = "";
  const { platform, allPlatforms, creds } = flags;
  await withCredentials({ image, creds, kubeletDir: instance.paths.kubeletDir }, async (auth) => {
    for await (const trace of images.pull({ image, platform, allPlatforms, auth })) {
      progress.show(trace);
      if (trace.outcome?.kind === "pulled") id = trace.outcome.imageRef;
    }
  });
  if (flags.output === undefined) process.stdout.write(`${id}\n`);
}

function styleOf({ quiet, output }: PullFlags): PullStyle {
  if (output !== undefined) return output;
  if (quiet) return "quiet";
  return process.stderr.isTTY ? "bars" : "lines";
}

import { type Command, Option } from "commander";

import type { PushProgress } from "../../../cri/image-administration.ts";
import type { AuthConfig } from "../../../cri/image-service.ts";
import { addIdentityFlags, readFlags, type IdentityFlags } from "../../cluster-flags.ts";
import { formatBytes } from "../../../base/format-bytes.ts";
import { parseCreds, withCredentials } from "../../image-credentials.ts";
import { openImages } from "../../open-images.ts";
import { shortDigest } from "../../render-pull.ts";

interface PushFlags extends IdentityFlags {
  readonly creds?: AuthConfig;
  readonly output?: "json";
}

/** `berth image push`. */
export function defineImagePush(parent: Command): void {
  addIdentityFlags(parent.command("push"))
    .description("Push an image to the registry that its name says")
    .argument("<image>", "its name; give it one with: berth image tag")
    .option("--creds <user:password>", "for the registry (default: docker's config files, as the node)", parseCreds)
    .addOption(new Option("-o, --output <format>", "each step of the push as a line").choices(["json"]))
    .action(async (image: string, _flags: unknown, command: Command) => {
      await push(image, await readFlags<PushFlags>(command));
    });
}

async function push(image: string, { creds, output, ...flags }: PushFlags): Promise<void> {
  await using open = await openImages(flags, { verb: "push an image of" });
  const { images, instance } = open;
  const show = output === undefined ? createLines() : showJson;
  await withCredentials({ image, creds, kubeletDir: instance.paths.kubeletDir }, async (auth) => {
    for await (const progress of images.push({ image, auth })) show(progress);
  });
}

function showJson(progress: PushProgress): void {
  process.stdout.write(`${JSON.stringify(progress)}\n`);
}

function createLines(): (progress: PushProgress) => void {
  const shown = new Set<string>();
  return ({ image, blobs, digest }) => {
    for (const blob of blobs) {
      if (blob.state === "waiting" || blob.state === "pushing" || shown.has(blob.digest)) continue;
      shown.add(blob.digest);
      process.stderr.write(`${shortDigest(blob.digest)}  ${formatBytes(blob.size)}  ${blob.state}\n`);
    }
    if (digest !== undefined) process.stdout.write(`${image}@${digest}\n`);
  };
}

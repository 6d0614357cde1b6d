import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

import { debianProgram } from "./debian-program.ts";
import { buildImage, type BuiltImage, type LayerFile } from "./image-builder.ts";

/** What else an image of BusyBox has. */
export interface BusyboxImageOptions {
  /** More fields of the image's `config` object: `StopSignal`, `Labels`, … */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Size of one more layer of random bytes, in MiB; without it there is none. */
  readonly ballastMiB?: number;
}

/**
 * Builds an image of Debian's static BusyBox with a link for each of its commands in `/bin`, the file `/image-file`, and the
 * variables `PATH`, `FROM_IMAGE` and `OVERRIDDEN`.
 */
export async function buildBusyboxImage(options: BusyboxImageOptions = {}): Promise<BuiltImage> {
  const ballast = { ballast: randomBytes((options.ballastMiB ?? 0) * 1024 * 1024) };
  return buildImage({
    layers: [
      await busyboxLayer(),
      { "image-file": "from the image\n", "tmp/": { mode: 0o1777 } },
      ...(options.ballastMiB === undefined ? [] : [ballast]),
    ],
    config: {
      Env: ["PATH=/bin", "FROM_IMAGE=image", "OVERRIDDEN=by the image"],
      Cmd: ["sh"],
      ...options.config,
    },
  });
}

/** Returns the layer of BusyBox itself: the program in `/bin`, and a link for each of its commands. */
export async function busyboxLayer(): Promise<Record<string, LayerFile>> {
  const path = debianProgram("busybox-static", "bin/busybox");
  const [content, { stdout }] = await Promise.all([readFile(path), promisify(execFile)(path, ["--list"])]);
  const commands = stdout.split("\n").filter((command) => command !== "" && command !== "busybox");
  const links = commands.map((command): [string, LayerFile] => [`bin/${command}`, { linkTo: "busybox" }]);
  return { "bin/": { mode: 0o755 }, "bin/busybox": { content, mode: 0o755 }, ...Object.fromEntries(links) };
}

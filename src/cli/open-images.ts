import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { userInfo } from "node:os";

import type { ImageAdministration } from "../cri/image-administration.ts";
import { createImagesClient, isAnswering } from "../cri/images-client.ts";
import type { ImageStoreMessage, ImageStoreOrder } from "../instance/image-store-protocol.ts";
import type { InstancePaths } from "../instance/instance-paths.ts";
import { type Instance, openInstance } from "../instance/open-instance.ts";
import { supervisorStatus } from "../instance/supervisor-connection.ts";
import { CliError } from "./cli-error.ts";
import { existingInstance, type IdentityFlags, instanceRequestOf } from "./cluster-flags.ts";
import { spawnImageStore } from "./daemon-process.ts";

/** The images of a cluster's node; disposing of it ends what was started for it. */
export interface OpenImages extends AsyncDisposable {
  readonly images: ImageAdministration;
  readonly instance: Instance;
}

export interface OpenImagesOptions {
  /** For the error where there is no such cluster, e.g. `list the images of`. */
  readonly verb: string;
  /** Whether a cluster that never ran is made ready to hold images. */
  readonly creates?: boolean;
}

/** How long a node that is starting is waited for. */
const NODE_WAIT_MS = 60_000;
const POLL_MS = 100;

/** Asks the running node for its images; where none runs, a process of its own owns them until disposal. Throws `CliError`. */
export async function openImages(flags: IdentityFlags, options: OpenImagesOptions): Promise<OpenImages> {
  requireRoot(options.verb);
  const { verb, creates = false } = options;
  const instance = creates ? await openInstance(instanceRequestOf(flags)) : await existingInstance(flags, verb);
  const { imagesSocket } = instance.paths;
  if (await isNodeAnswering(instance.paths)) {
    const images = createImagesClient(imagesSocket);
    return { images, instance, [Symbol.asyncDispose]: async () => await Promise.resolve() };
  }
  return await startStore(instance);
}

// Layers hold files of any owner, devices and capabilities: an ordinary user cannot unpack them.
function requireRoot(verb: string): void {
  if (userInfo().uid === 0) return;
  throw new CliError("NOT_PERMITTED", `Cannot ${verb} a cluster: images on a node belong to root`, {
    hint: "Ask as root: sudo berth image …",
  });
}

/** A node that is starting owns its images already: it is waited for. */
async function isNodeAnswering({ imagesSocket, supervisorSocket }: InstancePaths): Promise<boolean> {
  const deadline = performance.now() + NODE_WAIT_MS;
  for (;;) {
    if (await isAnswering(imagesSocket)) return true;
    const status = await supervisorStatus(supervisorSocket);
    if (status?.roles.node === undefined || performance.now() > deadline) return false;
    await delay(POLL_MS);
  }
}

async function startStore(instance: Instance): Promise<OpenImages> {
  const { paths } = instance;
  await mkdir(paths.runDir, { recursive: true, mode: 0o755 });
  const socketPath = join(paths.runDir, `images-${process.pid}.sock`);
  const child = spawnImageStore({ paths, socketPath } satisfies ImageStoreOrder);
  try {
    await untilReady(child);
  } catch (error) {
    await end(child);
    throw error;
  }
  const images = createImagesClient(socketPath);
  return { images, instance, [Symbol.asyncDispose]: async () => await end(child) };
}

async function untilReady(child: ChildProcess): Promise<void> {
  const [message] = (await Promise.race([
    once(child, "message"),
    once(child, "exit").then(() => [{ type: "failed", message: "its process ended" }]),
  ])) as [ImageStoreMessage];
  if (message.type === "ready") return;
  throw new CliError("START_FAILED", `Cannot open the images of the cluster: ${message.message}`, {
    hint: message.hint,
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  if (child.connected) child.disconnect();
  await exited;
}

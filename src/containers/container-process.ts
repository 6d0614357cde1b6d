import { posix } from "node:path";

import type { ContainerConfig } from "../cri/runtime-service.ts";
import { CriError } from "../cri/cri-error.ts";
import type { ContainerDefaults } from "../oci/image-config.ts";
import { resolveInRootfs } from "./file-in-rootfs.ts";

/** What a container runs. */
export interface ContainerProcess {
  readonly args: readonly string[];
  /** `NAME=value`, each name once. */
  readonly env: readonly string[];
  readonly cwd: string;
}

export interface ContainerProcessRequest {
  readonly config: ContainerConfig;
  readonly image: ContainerDefaults;
  readonly hostname: string;
  /** The container's root file system, in which its working directory may be a link. */
  readonly rootfs: string;
}

/** Returns what a container runs: its own configuration on top of the image's. Throws `CriError` (`INVALID_ARGUMENT`). */
export function containerProcess({ config, image, hostname, rootfs }: ContainerProcessRequest): ContainerProcess {
  return { args: argsOf(config, image), env: envOf(config, image, hostname), cwd: cwdOf(config, image, rootfs) };
}

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

function argsOf(config: ContainerConfig, image: ContainerDefaults): string[] {
  const command = config.command.length > 0 ? config.command : image.entrypoint;
  // With a command of its own, a container has nothing of the image's command line.
  const defaultArgs = config.command.length > 0 ? [] : image.cmd;
  const args = [...command, ...(config.args.length > 0 ? config.args : defaultArgs)];
  if (args.length > 0) return args;
  const { name } = config.metadata;
  throw new CriError("INVALID_ARGUMENT", `Cannot create the container "${name}": no command specified`, {
    hint: "The image has no entry point; give the container a command",
  });
}

function envOf(config: ContainerConfig, image: ContainerDefaults, hostname: string): string[] {
  const values = new Map<string, string>([["PATH", DEFAULT_PATH]]);
  if (config.tty) values.set("TERM", "xterm");
  values.set("HOSTNAME", hostname);
  for (const entry of image.env) {
    const at = entry.indexOf("=");
    if (at > 0) values.set(entry.slice(0, at), entry.slice(at + 1));
  }
  for (const { key, value } of config.envs) values.set(key, value);
  return [...values].map(([name, value]) => `${name}=${value}`);
}

function cwdOf(config: ContainerConfig, image: ContainerDefaults, rootfs: string): string {
  const wanted = config.workingDir === "" ? image.workingDir : config.workingDir;
  const cwd = posix.normalize(`/${wanted}`);
  // A descriptor of the runtime's, reached by its name there, is a directory of the host (CVE-2024-21626).
  if (![cwd, resolveInRootfs(rootfs, cwd) ?? "/proc"].some((path) => /^\/proc(?:\/|$)/.test(path))) return cwd;
  throw new CriError(
    "INVALID_ARGUMENT",
    `Cannot use the working directory "${wanted.slice(0, 128)}": it leads into /proc`,
  );
}

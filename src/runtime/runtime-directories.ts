import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** Where the runtime keeps what it needs while containers live; all of it may vanish in a reboot. */
export interface RuntimeDirectories {
  /** The OCI runtime's own state (`--root`). */
  readonly state: string;
  /** One bundle for each container. */
  readonly bundles: string;
  /** How containers ended, one file each, by conmon. */
  readonly exits: string;
  /** conmon's sockets. A path longer than 107 bytes is none. */
  readonly attach: string;
  /** One file for each command that runs in a container. */
  readonly execs: string;
}

/** Makes the directories under `runDir`, for nobody else to enter. Idempotent. */
export async function openRuntimeDirectories(runDir: string): Promise<RuntimeDirectories> {
  const directories = {
    state: join(runDir, "runc"),
    bundles: join(runDir, "containers"),
    exits: join(runDir, "exits"),
    attach: join(runDir, "attach"),
    execs: join(runDir, "execs"),
  };
  const all = Object.values(directories).map((path) => mkdir(path, { recursive: true, mode: 0o700 }));
  await Promise.all(all);
  return directories;
}

/** The files of one container's bundle. */
export interface Bundle {
  readonly directory: string;
  readonly config: string;
  readonly rootfs: string;
  readonly pidFile: string;
  readonly conmonPidFile: string;
  /** What the OCI runtime says while it creates. */
  readonly runtimeLog: string;
  /** conmon's control pipes. */
  readonly control: string;
  readonly windowSize: string;
  /** Made by conmon when the kernel killed for want of memory. */
  readonly oom: string;
}

/** Returns the places of a container's bundle. */
export function bundleOf(directories: RuntimeDirectories, id: string): Bundle {
  const directory = join(directories.bundles, id);
  return {
    directory,
    config: join(directory, "config.json"),
    rootfs: join(directory, "rootfs"),
    pidFile: join(directory, "pid"),
    conmonPidFile: join(directory, "conmon.pid"),
    runtimeLog: join(directory, "runtime.log"),
    control: join(directory, "ctl"),
    windowSize: join(directory, "winsz"),
    oom: join(directory, "oom"),
  };
}

/** Removes what a container leaves in these directories; its root must be unmounted. Idempotent. */
export async function removeBundle(directories: RuntimeDirectories, id: string): Promise<void> {
  const paths = [bundleOf(directories, id).directory, join(directories.exits, id), join(directories.attach, id)];
  await Promise.all(paths.map((path) => rm(path, { recursive: true, force: true })));
}

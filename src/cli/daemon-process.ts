import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

import { SMALL_PROCESS_FLAGS, smallProcessEnvironment } from "../base/small-process.ts";
import { siblingModule } from "../base/sibling-module.ts";

/** Starts a program of the daemon that lives on without this process. `argument` is what it reads as JSON. */
export function spawnSupervisor(argument: object, stderr: number): ChildProcess {
  const child = spawn(process.execPath, [...SMALL_PROCESS_FLAGS, entry("supervisor-main"), JSON.stringify(argument)], {
    detached: true,
    cwd: "/",
    env: smallProcessEnvironment(),
    stdio: ["ignore", stderr, stderr],
  });
  child.unref();
  return child;
}

/** Starts the program that removes what a cluster has left; its standard error is shown. */
export function spawnPurge(argument: object): ChildProcess {
  return spawn(process.execPath, [...SMALL_PROCESS_FLAGS, entry("purge-main"), JSON.stringify(argument)], {
    env: smallProcessEnvironment(),
    stdio: ["ignore", "inherit", "inherit"],
  });
}

/** Starts the program that owns a cluster's images while no node runs; it ends when its IPC channel is closed. */
export function spawnImageStore(argument: object): ChildProcess {
  return spawn(process.execPath, [...SMALL_PROCESS_FLAGS, entry("image-store-process"), JSON.stringify(argument)], {
    env: smallProcessEnvironment(),
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
}

function entry(name: string): string {
  return fileURLToPath(siblingModule(import.meta.url, `../daemon/${name}`));
}

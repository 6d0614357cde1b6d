import { randomUUID } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { readFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { writeFileAtomic } from "../base/atomic-write.ts";
import { identityOf } from "../linux/procfs.ts";
import { signalProcess } from "../linux/signals.ts";
import type { Process, Spec } from "../oci/runtime-config.ts";
import type { OciRuntime } from "./oci-runtime.ts";
import { bundleOf, type RuntimeDirectories } from "./runtime-directories.ts";

/** The files of one command in a container. The pid file tells a later run of ours what was left running. */
export interface ExecFiles {
  readonly processFile: string;
  readonly pidFile: string;
}

/** Writes down what is to run: the container's own process with another command. */
export async function prepareExec(request: {
  readonly directories: RuntimeDirectories;
  readonly containerId: string;
  readonly command: readonly string[];
  readonly terminal: boolean;
}): Promise<ExecFiles> {
  const { directories, containerId, command, terminal } = request;
  const spec = JSON.parse(await readFile(bundleOf(directories, containerId).config, "utf8")) as Spec;
  const name = join(directories.execs, `${containerId}.${randomUUID()}`);
  const files = { processFile: `${name}.json`, pidFile: `${name}.pid` };
  const process = { ...spec.process, args: command, terminal };
  await writeFileAtomic(files.processFile, JSON.stringify(process satisfies Partial<Process>), { durable: false });
  return files;
}

/** Returns the command line of the OCI runtime that runs a prepared command and ends with its exit code. */
export function execArguments(runtime: OciRuntime, containerId: string, files: ExecFiles): string[] {
  const { processFile, pidFile } = files;
  const options = ["--process", processFile, "--pid-file", pidFile];
  return [runtime.program, ...runtime.globalArguments, "exec", ...options, containerId];
}

/** Kills the command itself: ending the OCI runtime's process alone would leave it running. */
export function killExec(files: ExecFiles): void {
  const identity = identityOf(readPid(files.pidFile));
  if (identity !== undefined) signalProcess(identity, 9);
}

/** Forgets a command that has ended. */
export function removeExec(files: ExecFiles): void {
  rmSync(files.processFile, { force: true });
  rmSync(files.pidFile, { force: true });
}

/** Ends the commands that an earlier run of ours started and could not wait for: nobody reads what they write. */
export async function endLeftExecs(directories: RuntimeDirectories): Promise<void> {
  for (const name of await readdir(directories.execs)) {
    const path = join(directories.execs, name);
    const containerId = name.split(".")[0] ?? "";
    if (name.endsWith(".pid") && isInContainer(readPid(path), containerId))
      killExec({ processFile: path, pidFile: path });
    await rm(path, { force: true });
  }
}

function readPid(path: string): number {
  try {
    return Number(readFileSync(path, "utf8"));
  } catch {
    // Not written yet, or gone.
    return 0;
  }
}

/** Whether a process belongs to a container: its number may be another's by now. */
function isInContainer(pid: number, containerId: string): boolean {
  try {
    return pid > 0 && readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(`/${containerId}`);
  } catch {
    return false;
  }
}

import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

import { addToCgroup, createCgroup } from "../linux/cgroup.ts";
import type { CgroupLayout } from "../linux/cgroup-layout.ts";
import { type ProcessIdentity, identityOf } from "../linux/procfs.ts";
import type { Spec } from "../oci/runtime-config.ts";
import { startConmon } from "./conmon.ts";
import { OciRuntime } from "./oci-runtime.ts";
import { bundleOf, openRuntimeDirectories, removeBundle, type RuntimeDirectories } from "./runtime-directories.ts";
import { RuntimeError } from "./runtime-error.ts";
import type { RuntimePrograms } from "./runtime-programs.ts";

export interface ContainerRuntimeOptions {
  readonly programs: RuntimePrograms;
  readonly directories: RuntimeDirectories;
  readonly cgroups: CgroupLayout;
  /** Cgroup of the conmons, apart from ours, so that ending ours leaves containers alone. */
  readonly conmonCgroup: string;
}

/** The processes that a container is: its first one, and the conmon that holds it. */
export interface ContainerProcesses {
  readonly process: ProcessIdentity;
  readonly conmon: ProcessIdentity;
}

export interface CreateRequest {
  readonly id: string;
  readonly logPath: string;
  readonly terminal: boolean;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  /** The configuration, awaited while conmon starts; when it resolves the root file system is mounted. */
  readonly spec: Promise<Spec>;
}

/** Makes containers with an OCI runtime, each held by a conmon. */
export class ContainerRuntime {
  readonly oci: OciRuntime;
  readonly directories: RuntimeDirectories;
  readonly cgroups: CgroupLayout;
  readonly #conmon: string;
  readonly #conmonCgroup: string;

  constructor(options: ContainerRuntimeOptions) {
    const { programs, directories, cgroups, conmonCgroup } = options;
    this.oci = new OciRuntime({ program: programs.runtime, stateDirectory: directories.state });
    this.directories = directories;
    this.cgroups = cgroups;
    this.#conmon = programs.conmon;
    this.#conmonCgroup = conmonCgroup;
  }

  /** Creates a container, not started. Throws `RuntimeError` (`CREATE_FAILED`), or what `spec` throws; nothing runs then. */
  async create(request: CreateRequest): Promise<ContainerProcesses> {
    // Heard before anything is awaited: the failure is thrown below.
    request.spec.catch(() => {});
    const { id, logPath, terminal, stdin, stdinOnce } = request;
    const bundle = bundleOf(this.directories, id);
    await Promise.all([
      mkdir(bundle.directory, { recursive: true, mode: 0o700 }),
      mkdir(dirname(logPath), { recursive: true, mode: 0o755 }),
    ]);
    const { directories, oci: runtime } = this;
    const conmon = this.#conmon;
    const waiting = await startConmon({
      conmon,
      runtime,
      directories,
      bundle,
      id,
      logPath,
      terminal,
      stdin,
      stdinOnce,
    });
    try {
      const moved = this.#moveToCgroup(waiting.pid);
      const written = request.spec.then((spec) => writeFile(bundle.config, JSON.stringify(spec), { mode: 0o600 }));
      await Promise.all([moved, written]);
    } catch (error) {
      await waiting.cancel();
      throw error;
    }
    const { conmonPid, pid } = await waiting.create();
    return { process: identified(id, pid), conmon: identified(id, conmonPid) };
  }

  /** Removes all of a container but its root file system: processes, cgroup, files. Its root must be unmounted. Idempotent. */
  async remove(id: string): Promise<void> {
    await this.oci.delete(id);
    await removeBundle(this.directories, id);
  }

  async #moveToCgroup(pid: number): Promise<void> {
    createCgroup(this.cgroups, this.#conmonCgroup);
    await addToCgroup(this.cgroups, this.#conmonCgroup, pid);
  }
}

/** Opens the runtime's directories and returns it. */
export async function openContainerRuntime(
  options: Omit<ContainerRuntimeOptions, "directories"> & { readonly runDir: string },
): Promise<ContainerRuntime> {
  return new ContainerRuntime({ ...options, directories: await openRuntimeDirectories(options.runDir) });
}

/** Returns the processes of a container that an earlier run of ours created, or undefined where they are gone. */
export function findProcesses(directories: RuntimeDirectories, id: string): ContainerProcesses | undefined {
  const bundle = bundleOf(directories, id);
  const process = identityIn(bundle.pidFile);
  const conmon = identityIn(bundle.conmonPidFile);
  return process === undefined || conmon === undefined ? undefined : { process, conmon };
}

function identityIn(pidFile: string): ProcessIdentity | undefined {
  try {
    return identityOf(Number(readFileSync(pidFile, "utf8")));
  } catch {
    // ENOENT: it got no further.
    return undefined;
  }
}

function identified(id: string, pid: number): ProcessIdentity {
  const identity = identityOf(pid);
  if (identity !== undefined) return identity;
  throw new RuntimeError("CREATE_FAILED", `Cannot create "${id}": process ${pid} ended at once`);
}

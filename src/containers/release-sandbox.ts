import { join } from "node:path";

import { removeCgroup } from "../linux/cgroup.ts";
import type { Engine } from "./engine.ts";
import type { SandboxRecord } from "./engine-records.ts";
import { releaseSandboxFiles } from "./sandbox-files.ts";

/** Gives back what a sandbox holds of the machine: address, namespaces, mounts, cgroup. Its record stays. Idempotent. */
export async function releaseSandbox(engine: Engine, record: SandboxRecord): Promise<void> {
  const { net } = record.pins;
  // Before the namespace goes, so that the plugin finds the interface; the address goes back in any case.
  if (net !== undefined) await engine.network.remove(record.id, net);
  releaseSandboxFiles(join(engine.sandboxesDir, record.id), record.pins);
  // Another sandbox of the same pod may be using it: then it stays.
  removeCgroup(engine.runtime.cgroups, record.cgroupPath);
}

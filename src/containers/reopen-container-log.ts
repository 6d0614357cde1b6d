import { CriError } from "../cri/cri-error.ts";
import { reopenLog } from "../runtime/conmon-control.ts";
import { bundleOf } from "../runtime/runtime-directories.ts";
import type { Engine } from "./engine.ts";

/** Makes the container's log be written to its path anew. Throws `CriError` (`FAILED_PRECONDITION`) where it does not run. */
export async function reopenContainerLog(engine: Engine, id: string): Promise<void> {
  const { state } = engine.containers.get(id);
  if (state !== "CONTAINER_RUNNING")
    throw new CriError("FAILED_PRECONDITION", `Cannot reopen the log of "${id}": not running`);
  await reopenLog(bundleOf(engine.runtime.directories, id));
}

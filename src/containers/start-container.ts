import { messageOf } from "../base/coded-error.ts";
import { failpoint } from "../base/failpoint.ts";
import { CriError } from "../cri/cri-error.ts";
import type { ContainerProcesses } from "../runtime/container-runtime.ts";
import type { Engine } from "./engine.ts";
import type { ContainerRecord } from "./engine-records.ts";

/** Starts a container that was created. Throws `CriError`; then the container has exited with code 128. */
export async function startContainer(engine: Engine, id: string): Promise<void> {
  await engine.locks.run(id, async () => {
    const record = engine.containers.get(id);
    if (record.state !== "CONTAINER_CREATED") throw notCreated(record);
    const starting = start(engine, record);
    engine.starting.set(
      id,
      starting.catch(() => {}),
    );
    try {
      await starting;
    } finally {
      engine.starting.delete(id);
    }
  });
}

// What other runtimes report for a container whose process never came to be.
const START_FAILED_EXIT_CODE = 128;

async function start(engine: Engine, record: ContainerRecord): Promise<void> {
  const { id, podSandboxId } = record;
  try {
    const processes = await createdProcesses(engine, record);
    await failpoint("container.before-start");
    const startedAt = Date.now();
    // At once: where we die in between, the next start asks the OCI runtime which of the two came true.
    await Promise.all([
      engine.containers.update(id, { state: "CONTAINER_RUNNING", startedAt, processes }),
      engine.runtime.oci.start(id),
    ]);
  } catch (error) {
    await startFailed(engine, id, messageOf(error));
    throw new CriError("UNKNOWN", `failed to start container "${id}": ${messageOf(error)}`, { cause: error });
  }
  engine.events.publish({ containerId: id, podSandboxId, type: "CONTAINER_STARTED_EVENT" });
}

async function createdProcesses(engine: Engine, { id, processes }: ContainerRecord): Promise<ContainerProcesses> {
  const creating = engine.creating.get(id);
  if (creating === undefined) {
    if (processes !== undefined) return processes;
    throw new CriError("FAILED_PRECONDITION", `Cannot start "${id}": it was not created to the end`);
  }
  try {
    return await creating;
  } finally {
    engine.creating.delete(id);
  }
}

async function startFailed(engine: Engine, id: string, message: string): Promise<void> {
  await engine.containers.update(id, {
    state: "CONTAINER_EXITED",
    finishedAt: Date.now(),
    exitCode: START_FAILED_EXIT_CODE,
    reason: "StartError",
    message,
  });
  engine.exits.get(id)?.resolve();
  engine.exits.delete(id);
  await engine.runtime.oci.delete(id);
}

function notCreated({ id, state }: ContainerRecord): CriError {
  return new CriError("FAILED_PRECONDITION", `Cannot start "${id}": it is in state ${state}`);
}

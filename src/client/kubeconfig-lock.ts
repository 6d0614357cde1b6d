import { open, rm } from "node:fs/promises";
import { codeOf } from "../base/coded-error.ts";
import { systemClock } from "../base/clock.ts";
import { disposable } from "../base/disposable.ts";
import { ClientError } from "./client-error.ts";

const WAIT_MS = 10_000;
const LOOK_MS = 20;

/**
 * Takes the lock of a kubeconfig as client-go does: `<path>.lock`, made by one only. Waits for up to ten seconds, then throws
 * `ClientError` with code `KUBECONFIG_LOCKED`.
 */
export async function lockKubeconfig(path: string, waitMs: number = WAIT_MS): Promise<AsyncDisposable> {
  const lock = `${path}.lock`;
  const deadline = systemClock.monotonic() + waitMs;
  while (!(await tryCreate(lock))) {
    if (systemClock.monotonic() > deadline)
      throw new ClientError("KUBECONFIG_LOCKED", `Cannot change "${path}": another program holds its lock`, {
        hint: `If no other program is writing it, remove ${lock}`,
      });
    await systemClock.sleep(LOOK_MS);
  }
  return disposable(() => rm(lock, { force: true }));
}

async function tryCreate(path: string): Promise<boolean> {
  try {
    await using _file = await open(path, "wx", 0o600);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

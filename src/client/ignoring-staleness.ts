import { isAlreadyExists, isConflict, isNotFound } from "./status-answer.ts";

/** Waits for a call whose object may be gone, changed or there already, which is then somebody else's news. Throws all else. */
export async function ignoringStaleness(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error) && !isAlreadyExists(error)) throw error;
  }
}

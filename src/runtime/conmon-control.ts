import { constants } from "node:fs";
import { open } from "node:fs/promises";

import { codeOf } from "../base/coded-error.ts";
import type { Bundle } from "./runtime-directories.ts";
import { RuntimeError } from "./runtime-error.ts";

/** Makes conmon write the container's log to its path anew, after the file there was renamed. */
export async function reopenLog(bundle: Bundle): Promise<void> {
  await send(bundle.control, `${REOPEN_LOGS} 0 0\n`);
}

/** Tells the container's terminal its size. */
export async function resizeTerminal(
  bundle: Bundle,
  size: { readonly width: number; readonly height: number },
): Promise<void> {
  await send(bundle.windowSize, `${size.height} ${size.width}\n`);
}

const REOPEN_LOGS = 2;

async function send(pipe: string, message: string): Promise<void> {
  try {
    // Not blocking: opening a pipe that nobody reads would wait for ever.
    await using file = await open(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
    await file.write(message);
  } catch (cause) {
    if (codeOf(cause) !== "ENXIO" && codeOf(cause) !== "ENOENT") throw cause;
    throw new RuntimeError("NOT_RUNNING", `Cannot reach the conmon of "${pipe}": it has ended`, { cause });
  }
}

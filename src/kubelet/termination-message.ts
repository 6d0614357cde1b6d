import { constants } from "node:fs";
import { open } from "node:fs/promises";

import type { ContainerStatus } from "../cri/runtime-service.ts";
import { parseCriLogLine } from "./server/cri-log-line.ts";
import { containerFactsOf } from "./runtime-labels.ts";

/**
 * Returns the termination message of a container that has ended: what it wrote to its message file, or, where its policy says so and it
 * failed without a message, the end of its log.
 */
export async function terminationMessageOf(status: ContainerStatus): Promise<string> {
  const { terminationMessagePath, terminationMessagePolicy } = containerFactsOf(status);
  const mount = status.mounts.find(({ containerPath }) => containerPath === terminationMessagePath);
  const message = mount === undefined ? "" : await readEnd(mount.hostPath, MAX_MESSAGE_BYTES, "start");
  if (message !== "" || terminationMessagePolicy !== "FallbackToLogsOnError" || status.exitCode === 0) return message;
  return logEnd(await readEnd(status.logPath, MAX_LOG_READ_BYTES, "end"));
}

const MAX_MESSAGE_BYTES = 4096;
const MAX_LOG_READ_BYTES = 64 * 1024;
const MAX_LOG_LINES = 80;
const MAX_LOG_BYTES = 2048;

/** The file is written by the container: what is there now may be a fifo, a link elsewhere, or huge. */
async function readEnd(path: string, maxBytes: number, which: "start" | "end"): Promise<string> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = await file.stat();
    if (!stats.isFile()) return "";
    const position = which === "start" ? 0 : Math.max(0, stats.size - maxBytes);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(Math.min(maxBytes, stats.size)), 0, undefined, position);
    return buffer.subarray(0, bytesRead).toString("utf8");
  } catch {
    return "";
  }
}

function logEnd(text: string): string {
  const lines = text.split("\n").flatMap((line) => parseCriLogLine(Buffer.from(line)) ?? []);
  const content = lines
    .slice(-MAX_LOG_LINES)
    .map(({ content, isPartial }) => `${content.toString("utf8")}${isPartial ? "" : "\n"}`);
  return Buffer.from(content.join("")).subarray(-MAX_LOG_BYTES).toString("utf8");
}

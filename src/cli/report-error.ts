import { styleText } from "node:util";

import { messageOf } from "../base/coded-error.ts";

/** Writes an error to standard error as users read it: what could not be done and why, then what to do about it. */
export function reportError(error: unknown, { verbose }: { readonly verbose: boolean }): void {
  const hint = error instanceof Error && "hint" in error && typeof error.hint === "string" ? error.hint : undefined;
  const lines = [styled("red", messageOf(error)), ...(hint?.split("\n").map((line) => `  ${line}`) ?? [])];
  if (verbose && error instanceof Error) lines.push(...stackLines(error));
  process.stderr.write(`${lines.join("\n")}\n`);
}

/** Returns `text` in a style where standard error is a terminal that wants colours. */
export function styled(style: "red" | "green" | "dim" | "bold" | "yellow", text: string): string {
  return styleText(style, text, { stream: process.stderr });
}

function stackLines(error: Error): string[] {
  const own = error.stack?.split("\n").slice(1) ?? [];
  return error.cause instanceof Error ? [...own, `caused by: ${error.cause.message}`, ...stackLines(error.cause)] : own;
}

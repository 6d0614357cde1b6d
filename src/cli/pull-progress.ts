import type { PullTrace } from "../trace/pull-trace.ts";
import { formatBytes } from "../base/format-bytes.ts";
import { headOf, renderPull, shortDigest } from "./render-pull.ts";

/** Shows a pull while it runs. */
export interface PullProgress {
  show(trace: PullTrace): void;
}

/** How a pull is shown. */
export type PullStyle = "bars" | "lines" | "json" | "quiet";

/** Returns what shows pulls: bars on standard error where that is a terminal, plain lines otherwise; JSON goes to standard output. */
export function createPullProgress(style: PullStyle): PullProgress {
  if (style === "bars") return new PullBars();
  if (style === "lines") return new PullLines();
  if (style === "quiet") return { show: () => {} };
  return { show: (trace) => void process.stdout.write(`${JSON.stringify(trace)}\n`) };
}

/** Bars that are drawn over each time. */
class PullBars implements PullProgress {
  #drawn = 0;

  show(trace: PullTrace): void {
    const { columns, rows } = process.stderr;
    // Some terminals do not know their size.
    const lines = renderPull(trace, { columns: columns || 80, rows: rows || 24, now: Date.now() });
    const up = this.#drawn === 0 ? "" : `\u001b[${this.#drawn}A`;
    process.stderr.write(`${up}\u001b[0J${lines.join("\n")}\n`);
    this.#drawn = lines.length;
  }
}

/** One line for each thing that is done. */
class PullLines implements PullProgress {
  #isHeadShown = false;
  readonly #done = new Set<string>();

  show(trace: PullTrace): void {
    if (trace.layers.length === 0) return;
    if (!this.#isHeadShown) process.stderr.write(`${headOf(trace)}\n`);
    this.#isHeadShown = true;
    for (const { digest, size, state, startedAt, finishedAt } of trace.layers) {
      if (state !== "done" || this.#done.has(digest)) continue;
      this.#done.add(digest);
      const seconds = (((finishedAt ?? 0) - (startedAt ?? finishedAt ?? 0)) / 1000).toFixed(1);
      process.stderr.write(`${shortDigest(digest)}  ${formatBytes(size)}  done in ${seconds} s\n`);
    }
  }
}

import { parseCriLogLine } from "./cri-log-line.ts";
import type { LogOptions } from "./log-options.ts";

/** Turns blocks of a log in CRI format into what a client sees. Lines that are not in the format are left out. */
export class LogFormatter {
  readonly #options: LogOptions;
  #rest: Buffer = Buffer.alloc(0);
  #isInsideLine = false;
  #left: number;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  }

  /** Whether the limit of bytes is reached. */
  get isFull(): boolean {
    return this.#left <= 0;
  }

  /** Returns the text of the lines that this block ends. */
  push(block: Buffer): Buffer {
    const data = this.#rest.length === 0 ? block : Buffer.concat([this.#rest, block]);
    const pieces: Buffer[] = [];
    let start = 0;
    for (let end = data.indexOf(LINE_FEED); end >= 0; end = data.indexOf(LINE_FEED, start)) {
      pieces.push(...this.#format(data.subarray(start, end)));
      start = end + 1;
    }
    // The caller reuses its block. A line that has no end is cut: no runtime writes one so long.
    this.#rest = data.length - start > MAX_LINE_BYTES ? Buffer.alloc(0) : Buffer.from(data.subarray(start));
    return this.#limited(Buffer.concat(pieces));
  }

  #format(line: Buffer): readonly Buffer[] {
    const parsed = parseCriLogLine(line);
    if (parsed === undefined) return [];
    const { since, timestamps } = this.#options;
    if (since !== undefined && Date.parse(parsed.time) < since) return [];
    const isStart = !this.#isInsideLine;
    this.#isInsideLine = parsed.isPartial;
    return [
      ...(timestamps && isStart ? [Buffer.from(`${formatTime(parsed.time)} `)] : []),
      parsed.content,
      ...(parsed.isPartial ? [] : [END_OF_LINE]),
    ];
  }

  #limited(text: Buffer): Buffer {
    const kept = text.subarray(0, Math.min(text.length, this.#left));
    this.#left -= kept.length;
    return kept;
  }
}

/** Nine digits of fraction, so that columns line up, and `Z` where the offset is none. */
function formatTime(time: string): string {
  const [, seconds = time, fraction = "", zone = "Z"] = /^([^.Z+]+?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(time) ?? [];
  return `${seconds}.${fraction.slice(0, 9).padEnd(9, "0")}${zone === "+00:00" || zone === "-00:00" ? "Z" : zone}`;
}

const LINE_FEED = 0x0a;
const END_OF_LINE = Buffer.from("\n");
const MAX_LINE_BYTES = 1024 * 1024;

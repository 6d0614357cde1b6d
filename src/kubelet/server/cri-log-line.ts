/** One line of a container log in CRI format: `TIME STREAM TAGS CONTENT`. */
export interface CriLogLine {
  /** RFC 3339 with nanoseconds, as written. */
  readonly time: string;
  readonly stream: "stdout" | "stderr";
  /** Whether the rest of the container's line follows in the next log line. */
  readonly isPartial: boolean;
  readonly content: Buffer;
}

/** Parses a line without its line break; returns undefined for what is not in CRI format. */
export function parseCriLogLine(line: Buffer): CriLogLine | undefined {
  const first = line.indexOf(SPACE);
  const second = line.indexOf(SPACE, first + 1);
  const third = line.indexOf(SPACE, second + 1);
  if (first <= 0 || second < 0) return undefined;
  const time = line.toString("latin1", 0, first);
  const stream = line.toString("latin1", first + 1, second);
  const tags = line.toString("latin1", second + 1, third < 0 ? line.length : third);
  if ((stream !== "stdout" && stream !== "stderr") || Number.isNaN(Date.parse(time))) return undefined;
  const [tag] = tags.split(":", 1);
  return { time, stream, isPartial: tag === "P", content: third < 0 ? Buffer.alloc(0) : line.subarray(third + 1) };
}

const SPACE = 0x20;

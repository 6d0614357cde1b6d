/** What a bench found out: one row per thing that was measured. */
export interface Measurement {
  readonly what: string;
  /** `cold`, `warm`, or what else tells the runs apart. */
  readonly state: string;
  readonly unit: "ms" | "MB";
  /** Every run, in the order they were made. */
  readonly runs: readonly number[];
}

/** Prints the measurements: a table, or with `-o json` on the command line what it was made from. */
export function report(measurements: readonly Measurement[], notes: readonly string[] = []): void {
  if (process.argv.includes("json")) {
    console.log(JSON.stringify({ measurements: measurements.map(summary), notes }, undefined, 2));
    return;
  }
  const rows = [
    ["WHAT", "STATE", "MEDIAN", "MIN", "MAX", "RUNS"],
    ...measurements.map((each) => {
      const { median, min, max } = summary(each);
      return [
        each.what,
        each.state,
        ...[median, min, max].map((value) => `${value} ${each.unit}`),
        String(each.runs.length),
      ];
    }),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("   ")
        .trimEnd(),
    );
  for (const note of notes) console.log(note);
}

/** Returns the middle of the values; the mean of the middle two where their number is even. */
export function medianOf(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("Cannot take the median of nothing");
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? 0;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? 0) + upper) / 2 : upper;
}

/** Runs `run` so many times, one after another, and returns the milliseconds of each; `after` each run is not counted. */
export async function timesOf(
  count: number,
  run: (index: number) => Promise<void>,
  after: (index: number) => Promise<void> = async () => {},
): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    const start = performance.now();
    await run(index);
    times.push(performance.now() - start);
    await after(index);
  }
  return times;
}

function summary(measurement: Measurement) {
  const rounded = (value: number) => Math.round(value * 10) / 10;
  const { runs } = measurement;
  return {
    ...measurement,
    runs: runs.map(rounded),
    median: rounded(medianOf(runs)),
    min: rounded(Math.min(...runs)),
    max: rounded(Math.max(...runs)),
  };
}

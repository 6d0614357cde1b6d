/** Labels of a measurement, in the order in which they are printed. */
export type MetricLabels = Readonly<Record<string, string>>;

/** Numbers that a program shows about itself, in the text format that Prometheus reads. */
export class MetricsRegistry {
  readonly #metrics: { readonly head: string; readonly lines: () => Iterable<string> }[] = [];

  /** Returns a number that only grows. */
  counter(name: string, help: string): { add(labels: MetricLabels, amount?: number): void } {
    const values = new Map<string, number>();
    this.#add({ name, help, type: "counter" }, () => linesOf(name, values));
    return {
      add: (labels, amount = 1) => {
        const key = labelsText(labels);
        values.set(key, (values.get(key) ?? 0) + amount);
      },
    };
  }

  /** Shows a number that `read` returns when it is asked for. */
  gauge(name: string, help: string, read: () => number): void {
    this.#add({ name, help, type: "gauge" }, () => [`${name} ${read()}`]);
  }

  /** Returns counts of observations at or below each of `buckets`, which grow. */
  histogram(
    name: string,
    help: string,
    buckets: readonly number[],
  ): { observe(labels: MetricLabels, value: number): void } {
    const series = new Map<string, Series>();
    this.#add({ name, help, type: "histogram" }, () => histogramLines(name, buckets, series));
    return {
      observe: (labels, value) => {
        const key = labelsText(labels);
        let observed = series.get(key);
        if (observed === undefined) {
          observed = { counts: buckets.map(() => 0), sum: 0, total: 0 };
          series.set(key, observed);
        }
        const index = buckets.findIndex((bound) => value <= bound);
        if (index !== -1) observed.counts[index] = (observed.counts[index] ?? 0) + 1;
        observed.sum += value;
        observed.total++;
      },
    };
  }

  /** Returns everything as text, media type `text/plain; version=0.0.4`. */
  render(): string {
    return this.#metrics.map(({ head, lines }) => `${[head, ...lines()].join("\n")}\n`).join("");
  }

  #add(metric: { name: string; help: string; type: string }, lines: () => Iterable<string>): void {
    this.#metrics.push({ head: `# HELP ${metric.name} ${metric.help}\n# TYPE ${metric.name} ${metric.type}`, lines });
  }
}

/** Adds what every process shows about itself. */
export function addProcessMetrics(registry: MetricsRegistry): void {
  const started = Date.now() / 1000 - process.uptime();
  registry.gauge("process_start_time_seconds", "Start time of the process since the epoch in seconds.", () => started);
  registry.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", () => process.memoryUsage.rss());
  registry.gauge("process_cpu_seconds_total", "User and system CPU time spent in seconds.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
}

interface Series {
  readonly counts: number[];
  sum: number;
  total: number;
}

function* linesOf(name: string, values: ReadonlyMap<string, number>): Generator<string> {
  for (const [labels, value] of values) yield `${name}${braced(labels)} ${value}`;
}

function* histogramLines(
  name: string,
  buckets: readonly number[],
  series: ReadonlyMap<string, Series>,
): Generator<string> {
  for (const [labels, { counts, sum, total }] of series) {
    const separator = labels === "" ? "" : ",";
    let cumulative = 0;
    for (const [index, bound] of buckets.entries()) {
      cumulative += counts[index] ?? 0;
      yield `${name}_bucket{${labels}${separator}le="${bound}"} ${cumulative}`;
    }
    yield `${name}_bucket{${labels}${separator}le="+Inf"} ${total}`;
    yield `${name}_sum${braced(labels)} ${sum}`;
    yield `${name}_count${braced(labels)} ${total}`;
  }
}

function braced(labels: string): string {
  return labels === "" ? "" : `{${labels}}`;
}

function labelsText(labels: MetricLabels): string {
  return Object.entries(labels)
    .map(
      ([name, value]) =>
        `${name}="${value.replaceAll(/[\\"\n]/g, (found) => (found === "\n" ? "\\n" : `\\${found}`))}"`,
    )
    .join(",");
}

import type { Counter, Gauge, Histogram, Registry } from "prom-client";

/** What a request is counted under, labelled as by the Kubernetes API server. */
export const REQUEST_LABELS = ["verb", "dry_run", "group", "version", "resource", "subresource", "scope"] as const;

/** Values of `REQUEST_LABELS`. */
export type RequestLabels = Readonly<Record<(typeof REQUEST_LABELS)[number], string>>;

/** What the server measures of itself. */
export interface Instruments {
  readonly registry: Registry;
  readonly requests: Counter<keyof RequestLabels | "code">;
  readonly durations: Histogram<keyof RequestLabels>;
}

/** What is read of the server when somebody asks for its metrics. */
export interface ServerState {
  /** Returns the number of objects by resource, as in `pods` and `leases.coordination.k8s.io`. */
  objectCounts(): Iterable<readonly [resource: string, count: number]>;
}

/** Returns instruments that have measured nothing yet. Imports the metrics library. */
export async function createInstruments(state: ServerState): Promise<Instruments> {
  const prometheus = await import("prom-client");
  const registry = new prometheus.Registry();
  const registers = [registry];
  addProcessMetrics(prometheus.Gauge, registry);
  const objects = new prometheus.Gauge({
    name: "apiserver_resource_objects",
    help: "Number of stored objects at the time of last check, by resource.",
    labelNames: ["resource"],
    registers,
    collect: () => {
      for (const [resource, count] of state.objectCounts()) objects.set({ resource }, count);
    },
  });
  return {
    registry,
    requests: new prometheus.Counter({
      name: "apiserver_request_total",
      help: "Counter of apiserver requests by verb, dry run, group, version, resource, subresource, scope and code.",
      labelNames: [...REQUEST_LABELS, "code"],
      registers,
    }),
    durations: new prometheus.Histogram({
      name: "apiserver_request_duration_seconds",
      help: "Response latency distribution in seconds by verb, dry run, group, version, resource, subresource and scope; of watches, until they began.",
      labelNames: [...REQUEST_LABELS],
      buckets: REQUEST_BUCKETS,
      registers,
    }),
  };
}

const REQUEST_BUCKETS = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];

// The library's own set watches the event loop a hundred times a second, which an idle process does not want.
function addProcessMetrics(GaugeType: typeof Gauge, registry: Registry): void {
  const gauge = (name: string, help: string, read: () => number) => {
    const made: Gauge = new GaugeType({ name, help, registers: [registry], collect: () => made.set(read()) });
  };
  const started = Date.now() / 1000 - process.uptime();
  gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", () => started);
  gauge("process_resident_memory_bytes", "Resident memory size in bytes.", () => process.memoryUsage.rss());
  gauge("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
}

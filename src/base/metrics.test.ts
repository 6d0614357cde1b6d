import assert from "node:assert/strict";
import { test } from "node:test";
import { MetricsRegistry } from "./metrics.ts";

test("metrics are printed as Prometheus reads them", () => {
  const registry = new MetricsRegistry();
  const requests = registry.counter("requests_total", "Requests.");
  requests.add({ verb: "GET", path: 'a"b\\c\n' });
  requests.add({ verb: "GET", path: 'a"b\\c\n' }, 2);
  registry.gauge("size", "Size.", () => 7);
  const seconds = registry.histogram("seconds", "Time.", [0.1, 1]);
  for (const value of [0.05, 0.1, 0.5, 3]) seconds.observe({}, value);
  assert.equal(
    registry.render(),
    `# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{verb="GET",path="a\\"b\\\\c\\n"} 3
# HELP size Size.
# TYPE size gauge
size 7
# HELP seconds Time.
# TYPE seconds histogram
seconds_bucket{le="0.1"} 2
seconds_bucket{le="1"} 3
seconds_bucket{le="+Inf"} 4
seconds_sum 3.65
seconds_count 4
`,
  );
});

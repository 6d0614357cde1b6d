import { addProcessMetrics, MetricsRegistry } from "../../base/metrics.ts";
import { StatusError } from "../../api/status.ts";
import type { ResourceDefinition } from "../resources/resource-definition.ts";
import type { ApiRequest, Middleware } from "./api-request.ts";

/** What the server counts about its requests. */
export interface RequestMetrics {
  readonly registry: MetricsRegistry;
  readonly middleware: Middleware;
}

const BUCKETS = [0.001, 0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 5, 10, 30, 60] as const;

/** Returns counters for every request, named as the Kubernetes API server names them. */
export function createRequestMetrics(definitions: readonly ResourceDefinition[]): RequestMetrics {
  const served = servedNames(definitions);
  const registry = new MetricsRegistry();
  addProcessMetrics(registry);
  const total = registry.counter(
    "apiserver_request_total",
    "Counter of apiserver requests by verb, resource and code.",
  );
  const duration = registry.histogram(
    "apiserver_request_duration_seconds",
    "Response latency distribution in seconds for each verb and resource; for watches, until they began.",
    BUCKETS,
  );
  const middleware: Middleware = (next) => async (request) => {
    const start = performance.now();
    const labels = labelsOf(request, served);
    const count = (code: number) => {
      total.add({ ...labels, code: String(code) });
      duration.observe(labels, (performance.now() - start) / 1000);
    };
    try {
      const response = await next(request);
      count(response.status);
      return response;
    } catch (error) {
      count(error instanceof StatusError ? error.httpStatus : 500);
      throw error;
    }
  };
  return { registry, middleware };
}

// Only what is served becomes a label: a client must not be able to make up as many as it likes.
function labelsOf({ target, method }: ApiRequest, served: ReadonlySet<string>): Readonly<Record<string, string>> {
  if (target.kind === "path") return { verb: METHODS.has(method) ? method : "OTHER", group: "", resource: "" };
  const resource = target.subresource === undefined ? target.resource : `${target.resource}/${target.subresource}`;
  const isServed = served.has(`${target.group}/${resource}`);
  return {
    verb: target.verb.toUpperCase(),
    group: isServed ? target.group : "",
    resource: isServed ? resource : "other",
  };
}

const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);

function servedNames(definitions: readonly ResourceDefinition[]): ReadonlySet<string> {
  return new Set(
    definitions.flatMap(({ type, hasStatus, subresources = [] }) => {
      const names = [...subresources.map(({ name }) => name), ...(hasStatus === true ? ["status"] : [])];
      const path = `${type.group}/${type.plural}`;
      return [path, ...names.map((name) => `${path}/${name}`)];
    }),
  );
}

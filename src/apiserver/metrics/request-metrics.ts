import { StatusError } from "../../api/status.ts";
import type { Handler, Middleware, ApiRequest } from "../http/api-request.ts";
import type { ResourceTarget, Verb } from "../http/request-target.ts";
import type { DiscoverableKind } from "../resources/resource-definition.ts";
import { createInstruments, type Instruments, type RequestLabels, type ServerState } from "./instruments.ts";

/** What the server counts about its requests. */
export interface RequestMetrics {
  readonly middleware: Middleware;
  /** Answers `/metrics`. */
  readonly handler: Handler;
  /** Loads what measures; what was observed before is not lost. Idempotent. */
  load(): void;
}

/** Returns counters for every request, named as the Kubernetes API server names them. */
export function createRequestMetrics(definitions: readonly DiscoverableKind[], state: ServerState): RequestMetrics {
  const served = servedNames(definitions);
  const instruments = new LateInstruments(state);
  const middleware: Middleware = (next) => async (request) => {
    const start = performance.now();
    const labels = labelsOf(request, served);
    const count = (status: number) => {
      const seconds = (performance.now() - start) / 1000;
      instruments.use(({ requests, durations }) => {
        requests.inc({ ...labels, code: String(status) });
        durations.observe(labels, seconds);
      });
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
  const handler: Handler = async () => {
    const { registry } = await instruments.load();
    const body = Buffer.from(await registry.metrics());
    return { status: 200, headers: { "content-type": registry.contentType }, body };
  };
  return { middleware, handler, load: () => void instruments.load() };
}

/** Instruments whose library is not imported while the server starts. */
class LateInstruments {
  readonly #state: ServerState;
  #loading: Promise<Instruments> | undefined;
  #loaded: Instruments | undefined;
  #waiting: ((instruments: Instruments) => void)[] = [];

  constructor(state: ServerState) {
    this.#state = state;
  }

  /** Hands the instruments to `observe`: now, or when they are there. */
  use(observe: (instruments: Instruments) => void): void {
    if (this.#loaded === undefined) this.#waiting.push(observe);
    else observe(this.#loaded);
  }

  async load(): Promise<Instruments> {
    this.#loading ??= this.#load();
    return await this.#loading;
  }

  async #load(): Promise<Instruments> {
    const instruments = await createInstruments(this.#state);
    this.#loaded = instruments;
    for (const observe of this.#waiting) observe(instruments);
    this.#waiting = [];
    return instruments;
  }
}

// Only what is served becomes a label: a client must not be able to make up as many as it likes.
function labelsOf({ target, method, query }: ApiRequest, served: ReadonlySet<string>): RequestLabels {
  const dryRun = query.get("dryRun") === "All" ? "All" : "";
  if (target.kind === "path") {
    return { ...NO_RESOURCE, verb: METHODS.has(method) ? method : "OTHER", dry_run: dryRun };
  }
  const { group, version, resource, subresource = "" } = target;
  const names = served.has(nameOf(target)) ? { group, version, resource, subresource } : UNKNOWN_RESOURCE;
  return { verb: VERBS[target.verb], dry_run: dryRun, ...names, scope: scopeOf(target) };
}

const UNKNOWN_RESOURCE = { group: "", version: "", resource: "other", subresource: "" } as const;
const NO_RESOURCE = { group: "", version: "", resource: "", subresource: "", scope: "" } as const;
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);
const VERBS: Readonly<Record<Verb, string>> = {
  get: "GET",
  list: "LIST",
  watch: "WATCH",
  create: "POST",
  update: "PUT",
  patch: "PATCH",
  delete: "DELETE",
  deletecollection: "DELETECOLLECTION",
};

function scopeOf({ name, namespace }: ResourceTarget): string {
  if (name !== undefined) return "resource";
  return namespace === undefined ? "cluster" : "namespace";
}

function nameOf({ group, version, resource, subresource }: ResourceTarget): string {
  return [group, version, resource, ...(subresource === undefined ? [] : [subresource])].join("/");
}

function servedNames(definitions: readonly DiscoverableKind[]): ReadonlySet<string> {
  return new Set(
    definitions.flatMap(({ type, hasStatus, subresources = [] }) => {
      const names = [...subresources.map(({ name }) => name), ...(hasStatus === true ? ["status"] : [])];
      const path = `${type.group}/${type.version}/${type.plural}`;
      return [path, ...names.map((name) => `${path}/${name}`)];
    }),
  );
}

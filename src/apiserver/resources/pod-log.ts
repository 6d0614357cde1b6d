import type { IncomingMessage } from "node:http";
import type { Pod, PodSpec } from "../../api/core-v1.gen.ts";
import { NODES, PODS } from "../../api/resource-types.ts";
import { badRequestStatus, internalErrorStatus, StatusError } from "../../api/status.ts";
import type { ApiResponse, ResponseSink } from "../http/api-response.ts";
import { isTrue } from "../http/request-target.ts";
import type { SubresourceCall, SubresourceDefinition } from "./resource-definition.ts";

/** `pods/log`: what a container printed, as its kubelet has it. */
export const podLog: SubresourceDefinition = {
  name: "log",
  kind: { group: "", version: "v1", kind: "Pod" },
  verbs: ["get"],
  handle: readPodLog,
};

async function readPodLog({ context, request, target }: SubresourceCall): Promise<ApiResponse> {
  const { object: pod } = await context.stores.of(PODS).get(target);
  const container = containerOf(pod, request.query.get("container") ?? "");
  const nodeName = pod.spec?.nodeName ?? "";
  if (nodeName === "") throw badRequestStatus(`pod ${target.name} does not have a host assigned`);
  const { object: node } = await context.stores.of(NODES).get({ name: nodeName });
  const segments = ["containerLogs", target.namespace ?? "", target.name, container].map(encodeURIComponent);
  const query = logQuery(request.query);
  const answer = await context.kubelets.get(
    node,
    `/${segments.join("/")}${query === "" ? "" : `?${query}`}`,
    request.signal,
  );
  if (answer.statusCode !== 200) throw await kubeletError(answer);
  return {
    status: 200,
    headers: { "content-type": "text/plain" },
    body: { write: async (sink) => await copy(answer, sink) },
  };
}

async function copy(answer: IncomingMessage, sink: ResponseSink): Promise<void> {
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    sink.offer(chunk);
    // Waiting here slows the kubelet down to the client's pace.
    await sink.flushed();
  }
}

function containerOf({ metadata, spec }: Pod, wanted: string): string {
  const name = metadata?.name ?? "";
  const names = containerNames(spec);
  if (wanted !== "") {
    if (names.all.includes(wanted)) return wanted;
    throw badRequestStatus(`container ${wanted} is not valid for pod ${name}`);
  }
  const [only, ...others] = names.regular;
  if (only !== undefined && others.length === 0) return only;
  const init = names.init.length === 0 ? "" : ` or one of the init containers: [${names.init.join(" ")}]`;
  throw badRequestStatus(
    `a container name must be specified for pod ${name}, choose one of: [${names.regular.join(" ")}]${init}`,
  );
}

function containerNames(spec: PodSpec | undefined) {
  const namesOf = (containers: readonly { readonly name: string }[] | undefined) =>
    (containers ?? []).map(({ name }) => name);
  const regular = namesOf(spec?.containers);
  const init = namesOf(spec?.initContainers);
  return { regular, init, all: [...regular, ...init, ...namesOf(spec?.ephemeralContainers)] };
}

const NUMBERS = { tailLines: 0, limitBytes: 1, sinceSeconds: 1 } as const;

function logQuery(query: URLSearchParams): string {
  const wanted = new URLSearchParams();
  for (const name of ["follow", "previous", "timestamps"]) if (isTrue(query.get(name))) wanted.set(name, "true");
  for (const [name, minimum] of Object.entries(NUMBERS)) {
    const text = query.get(name);
    if (text === null || text === "") continue;
    if (!/^\d{1,15}$/.test(text) || Number(text) < minimum) throw invalidOption(name, text, minimum);
    wanted.set(name, text);
  }
  const sinceTime = query.get("sinceTime") ?? "";
  if (sinceTime !== "") {
    if (wanted.has("sinceSeconds")) throw badRequestStatus("at most one of sinceTime or sinceSeconds may be specified");
    if (Number.isNaN(Date.parse(sinceTime)))
      throw badRequestStatus(`sinceTime: ${JSON.stringify(sinceTime)} is not a time`);
    wanted.set("sinceTime", sinceTime);
  }
  return wanted.toString();
}

function invalidOption(name: string, text: string, minimum: number): StatusError {
  const reason = `${name}: Invalid value: ${JSON.stringify(text)}: must be greater than or equal to ${minimum}`;
  return new StatusError("Invalid", `PodLogOptions "" is invalid: ${reason}`);
}

const MAX_ERROR_BYTES = 64 * 1024;

async function kubeletError(answer: IncomingMessage): Promise<StatusError> {
  const text = await errorText(answer);
  if (answer.statusCode === 400) return badRequestStatus(text);
  if (answer.statusCode === 404) return new StatusError("NotFound", text);
  return internalErrorStatus(text === "" ? `the kubelet answered ${answer.statusCode}` : text);
}

async function errorText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_ERROR_BYTES) break;
  }
  return Buffer.concat(chunks).toString("utf8").slice(0, MAX_ERROR_BYTES).trim();
}

import type { HTTPGetAction, LifecycleHandler, Probe } from "../core-v1.gen.ts";
import type { IntOrString } from "../meta-v1.gen.ts";
import { at, atIndex, forbidden, invalid, required } from "../field-error.ts";
import { checkChoice, checkNonNegative, checkRequiredText, type FieldErrors } from "./checks.ts";
import { type Faults, portNameFaults, portNumberFaults } from "./names.ts";

/** Checks a hook of a container's lifecycle. */
export function* validateLifecycleHandler(
  handler: LifecycleHandler,
  path: string,
  gracePeriodSeconds: number | undefined,
): FieldErrors {
  yield* validateHandler(handler, path);
  const seconds = handler.sleep?.seconds;
  if (seconds === undefined) return;
  const grace = gracePeriodSeconds ?? 30;
  if (seconds < 0 || seconds > grace) {
    const detail = `must be non-negative and less than terminationGracePeriodSeconds (${grace})`;
    yield invalid(at(path, "sleep"), seconds, detail);
  }
}

/** Checks a probe, whatever it is for. */
export function* validateProbe(probe: Probe, path: string): FieldErrors {
  yield* validateHandler(probe, path);
  for (const field of PROBE_NUMBERS) yield* checkNonNegative(at(path, field), probe[field]);
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) {
    yield invalid(at(path, "terminationGracePeriodSeconds"), grace, "must be greater than 0");
  }
}

/** Checks a port given by number or by name. */
function* validatePort(port: IntOrString | undefined, path: string): FieldErrors {
  for (const fault of portFaults(port ?? 0)) yield invalid(path, port ?? 0, fault);
}

const PROBE_NUMBERS = [
  "initialDelaySeconds",
  "timeoutSeconds",
  "periodSeconds",
  "successThreshold",
  "failureThreshold",
] as const satisfies readonly (keyof Probe)[];

const HANDLERS = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] as const;

function* validateHandler(handler: LifecycleHandler & Pick<Probe, "grpc">, path: string): FieldErrors {
  const given = HANDLERS.filter((name) => handler[name] !== undefined);
  for (const extra of given.slice(1)) yield forbidden(at(path, extra), "may not specify more than 1 handler type");
  if (given.length === 0) yield required(path, "must specify a handler type");
  if (handler.exec !== undefined && (handler.exec.command ?? []).length === 0)
    yield required(at(path, "exec", "command"));
  if (handler.httpGet !== undefined) yield* validateHttpGet(handler.httpGet, at(path, "httpGet"));
  if (handler.tcpSocket !== undefined) yield* validatePort(handler.tcpSocket.port, at(path, "tcpSocket", "port"));
  if (handler.grpc !== undefined) yield* validatePort(handler.grpc.port, at(path, "grpc", "port"));
}

function* validateHttpGet(httpGet: HTTPGetAction, path: string): FieldErrors {
  yield* checkRequiredText(at(path, "path"), httpGet.path);
  yield* validatePort(httpGet.port, at(path, "port"));
  yield* checkChoice(at(path, "scheme"), httpGet.scheme, ["HTTP", "HTTPS"]);
  for (const [index, header] of (httpGet.httpHeaders ?? []).entries()) {
    if (HEADER_NAME.test(header.name)) continue;
    yield invalid(atIndex(at(path, "httpHeaders"), index), header.name, HEADER_NAME_TEXT);
  }
}

const HEADER_NAME = /^[-A-Za-z0-9]+$/;
const HEADER_NAME_TEXT =
  "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";

function portFaults(port: IntOrString): Faults {
  return typeof port === "number" ? portNumberFaults(port) : portNameFaults(port);
}

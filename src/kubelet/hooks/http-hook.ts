import { request as requestHttp, type RequestOptions } from "node:http";
import { request as requestHttps } from "node:https";

import type { ContainerPort, HTTPGetAction } from "../../api/core-v1.gen.ts";

/** What a hook asks for, with what its unset fields stand for. */
export interface HttpHookTarget extends HTTPGetAction {
  /** The pod's address. */
  readonly defaultHost: string | undefined;
  /** The container's ports, by whose names a hook may call one. */
  readonly ports: readonly ContainerPort[];
}

/**
 * Sends a lifecycle hook's one request. Any HTTP status is success; only where no answer comes does it throw. Redirects are not followed
 * and certificates not checked, as the kubelet does it.
 */
export async function requestHook(target: HttpHookTarget, signal: AbortSignal): Promise<void> {
  const host = target.host ?? target.defaultHost;
  if (host === undefined || host === "") throw new RangeError("the pod has no address yet");
  const headers = new Map([["User-Agent", "kube-lifecycle/1.35"]]);
  for (const { name, value } of target.httpHeaders ?? []) headers.set(name, value);
  const path = target.path === undefined || target.path === "" ? "/" : target.path;
  const options = {
    host,
    port: portOf(target),
    path: path.startsWith("/") ? path : `/${path}`,
    headers: Object.fromEntries(headers),
    agent: false,
    signal,
  };
  await send(target.scheme === "HTTPS", options);
}

function portOf({ port, ports }: HttpHookTarget): number {
  const number = typeof port === "number" ? port : (namedPort(port, ports) ?? Number(port));
  if (!Number.isInteger(number) || number < 1 || number > 65_535) throw new RangeError(`invalid port number: ${port}`);
  return number;
}

function namedPort(name: string, ports: readonly ContainerPort[]): number | undefined {
  return ports.find((port) => port.name === name)?.containerPort;
}

function send(isTls: boolean, options: RequestOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = isTls ? requestHttps({ ...options, rejectUnauthorized: false }) : requestHttp(options);
    request.once("error", reject);
    request.once("response", (response) => {
      // Nobody reads the body; draining a hostile one could take for ever.
      response.destroy();
      resolve();
    });
    request.end();
  });
}

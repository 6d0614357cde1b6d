import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { checkServerIdentity } from "node:tls";
import type { Node } from "../../api/core-v1.gen.ts";
import { messageOf } from "../../base/coded-error.ts";
import { internalErrorStatus, serviceUnavailableStatus, type StatusError } from "../../api/status.ts";
import type { KeyPair } from "../../pki/key-pair.ts";

/** Reaches the kubelets' own servers. */
export interface KubeletConnector {
  /** Asks a node's kubelet. The answer's body has to be read or destroyed. Throws `StatusError`. */
  get(node: Node, path: string, signal: AbortSignal): Promise<IncomingMessage>;
  close(): void;
}

/** Returns a connector that proves itself by `client` and believes only kubelets that `ca` vouches for, by node name. */
export function createKubeletConnector(client: KeyPair, ca: string): KubeletConnector {
  const agent = new Agent({ keepAlive: true, cert: client.certificate, key: client.key.reveal(), ca });
  return {
    get: async (node, path, signal) => {
      const { host, port } = kubeletAddress(node);
      const name = node.metadata?.name ?? "";
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(new Error("it did not answer in time")), ANSWER_TIMEOUT_MS);
      const outgoing = request({
        agent,
        host,
        port,
        path,
        signal: AbortSignal.any([signal, late.signal]),
        servername: name,
        // An address is what the node says of itself; the certificate proves that it is this node.
        checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
      });
      outgoing.on("response", resolve);
      outgoing.on("error", (error) => reject(unreachable(name, late.signal.reason ?? error)));
      outgoing.end();
      try {
        return await promise;
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => agent.destroy(),
  };
}

const ANSWER_TIMEOUT_MS = 10_000;

function kubeletAddress(node: Node): { readonly host: string; readonly port: number } {
  const addresses = node.status?.addresses ?? [];
  const preferred = ["InternalIP", "ExternalIP", "Hostname"].map((type) =>
    addresses.find((address) => address.type === type),
  );
  const host = preferred.find((address) => address !== undefined)?.address;
  const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port;
  if (host === undefined || port === undefined) {
    throw serviceUnavailableStatus(`node "${node.metadata?.name}" has not said where its kubelet is`);
  }
  return { host, port };
}

function unreachable(name: string, error: unknown): StatusError {
  return internalErrorStatus(`cannot reach the kubelet of node "${name}": ${messageOf(error)}`, error);
}

import type { Lease } from "../api/coordination-v1.gen.ts";
import type { OwnerReference } from "../api/meta-v1.gen.ts";
import { LEASES } from "../api/resource-types.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { messageOf } from "../base/coded-error.ts";
import { type Logger, silentLogger } from "../base/log.ts";
import { backoffDelay } from "../base/retry.ts";
import type { RestClient } from "./rest-client.ts";
import { isAlreadyExists, isConflict, isNotFound } from "./status-answer.ts";
import { microTimestamp } from "./timestamp.ts";

/** The namespace of node leases. */
export const NODE_LEASE_NAMESPACE = "kube-node-lease";

/** A lease to hold. */
export interface KeepLeaseOptions {
  readonly client: RestClient;
  readonly namespace: string;
  readonly name: string;
  readonly holderIdentity: string;
  /** For how long others trust one renewal. */
  readonly durationSeconds: number;
  readonly renewIntervalMs: number;
  /** Read at each write, since the owner may come into being, or be made anew, later. */
  readonly owner?: () => OwnerReference | undefined;
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Called after each renewal. */
  readonly onRenewed?: () => void;
}

/** Keeps a node's lease, whose renewal says that its kubelet lives: trusted for 40 seconds, renewed each ten. */
export function keepNodeLease(
  options: Omit<KeepLeaseOptions, "namespace" | "name" | "holderIdentity" | "durationSeconds" | "renewIntervalMs"> & {
    readonly nodeName: string;
  },
): Promise<void> {
  return keepLease({
    ...options,
    namespace: NODE_LEASE_NAMESPACE,
    name: options.nodeName,
    holderIdentity: options.nodeName,
    durationSeconds: 40,
    renewIntervalMs: 10_000,
  });
}

/** Makes a lease where there is none and renews it until `signal` aborts, whatever fails meanwhile. Never throws. */
export async function keepLease(options: KeepLeaseOptions): Promise<void> {
  const { signal, clock = systemClock, logger = silentLogger } = options;
  let lease: Lease | undefined;
  let failures = 0;
  while (!signal.aborted) {
    let waitMs = options.renewIntervalMs;
    try {
      lease = await renew(options, lease);
      failures = 0;
      options.onRenewed?.();
    } catch (error) {
      if (signal.aborted) return;
      lease = undefined;
      waitMs = Math.min(waitMs, backoffDelay(failures++, BACKOFF));
      logger.warn({ lease: options.name, error: messageOf(error), retryInMs: Math.round(waitMs) }, "lease not renewed");
    }
    await clock.sleep(waitMs, signal).catch(() => undefined);
  }
}

const BACKOFF = { initialMs: 200, maxMs: 7_000, jitter: 0.5 } as const;
/** A hung request must not cost a whole lease. */
const TIMEOUT_MS = 10_000;

async function renew(options: KeepLeaseOptions, known: Lease | undefined): Promise<Lease> {
  const present = known ?? (await find(options));
  try {
    return present === undefined ? await create(options) : await update(options, present);
  } catch (error) {
    if (!isConflict(error) && !isNotFound(error) && !isAlreadyExists(error)) throw error;
    if (known === undefined) throw error;
    // Somebody changed or removed it: look, and try once more at once.
    return await renew(options, undefined);
  }
}

async function find(options: KeepLeaseOptions): Promise<Lease | undefined> {
  const { client, namespace, name } = options;
  try {
    return await client.get(LEASES, { namespace, name }, callOptions(options));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function create(options: KeepLeaseOptions): Promise<Lease> {
  const { namespace, name } = options;
  return await options.client.create(LEASES, renewed(options, { metadata: { namespace, name } }), callOptions(options));
}

async function update(options: KeepLeaseOptions, lease: Lease): Promise<Lease> {
  return await options.client.update(LEASES, renewed(options, lease), callOptions(options));
}

function renewed(options: KeepLeaseOptions, lease: Lease): Lease {
  const clock = options.clock ?? systemClock;
  const owner = options.owner?.();
  return {
    ...lease,
    metadata: { ...lease.metadata, ...(owner !== undefined && { ownerReferences: [owner] }) },
    spec: {
      ...lease.spec,
      holderIdentity: options.holderIdentity,
      leaseDurationSeconds: options.durationSeconds,
      renewTime: microTimestamp(clock.now()),
    },
  };
}

function callOptions(options: KeepLeaseOptions): { readonly signal: AbortSignal; readonly timeoutMs: number } {
  return { signal: options.signal, timeoutMs: TIMEOUT_MS };
}

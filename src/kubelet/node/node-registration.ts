import { isDeepStrictEqual } from "node:util";

import type { Node, NodeStatus, Taint } from "../../api/core-v1.gen.ts";
import type { OwnerReference } from "../../api/meta-v1.gen.ts";
import { NODES } from "../../api/resource-types.ts";
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/coded-error.ts";
import type { Logger } from "../../base/log.ts";
import { backoffDelay } from "../../base/retry.ts";
import { keepNodeLease } from "../../client/lease.ts";
import type { RestClient } from "../../client/rest-client.ts";
import { isAlreadyExists, isNotFound } from "../../client/status-answer.ts";
import { Wakeup } from "../wakeup.ts";
import type { NodeEvents } from "./node-events.ts";

export interface NodeRegistrationOptions {
  readonly client: RestClient;
  readonly nodeName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  /** Returns the node's status as it is now. */
  readonly readStatus: (previous: NodeStatus | undefined) => Promise<NodeStatus>;
  readonly events: NodeEvents;
  /** Called with the node's object each time it was read or written. */
  readonly onNode: (node: Node) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Keeps the node's object and lease: registers it, reports its status when that changes, and renews its lease. */
export class NodeRegistration {
  readonly #options: NodeRegistrationOptions;
  readonly #wakeup: Wakeup;
  #node: Node | undefined;
  #reportedAt = 0;

  constructor(options: NodeRegistrationOptions) {
    this.#options = options;
    this.#wakeup = new Wakeup(options.clock);
  }

  /** The node's object as last seen; undefined until it is registered. */
  get node(): Node | undefined {
    return this.#node;
  }

  /** Looks at the status now, as when images have changed. */
  wake(): void {
    this.#wakeup.now();
  }

  /** Keeps the node until `signal` aborts, whatever fails meanwhile. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const { client, nodeName, clock, logger, events } = this.#options;
    events.starting();
    const lease = keepNodeLease({ client, nodeName, owner: () => this.#owner(), clock, logger, signal });
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.#report(signal);
        failures = 0;
        this.#wakeup.at(clock.now() + (isReady(this.#node) ? CHECK_MS : CHECK_UNREADY_MS));
      } catch (error) {
        if (!signal.aborted) logger.warn({ node: nodeName, error: messageOf(error) }, "node status not reported");
        this.#wakeup.at(clock.now() + backoffDelay(failures++, { initialMs: 200, maxMs: 7_000, jitter: 0.2 }));
      }
      await this.#wakeup.wait(signal);
    }
    await lease;
  }

  async #report(signal: AbortSignal): Promise<void> {
    const { client, nodeName, clock, readStatus } = this.#options;
    const node = this.#node ?? (await this.#register(signal));
    const status = await readStatus(node.status);
    const isDue = clock.now() - this.#reportedAt >= REPORT_MS;
    if (!isDue && isSameStatus(node.status, status)) return;
    try {
      const patch = {
        metadata: { uid: node.metadata?.uid },
        status: { ...status, addresses: replaced(status.addresses) },
      };
      this.#keep(
        await client.patch(NODES, { name: nodeName }, patch, { kind: "strategic", subresource: "status", signal }),
      );
      this.#reportedAt = clock.now();
      this.#options.events.changed(node.status, status);
    } catch (error) {
      // Somebody has deleted it: the next look registers it anew.
      if (isNotFound(error)) this.#node = undefined;
      throw error;
    }
  }

  /** Takes up the object of this name, or makes it with its first status, so that it is never seen without one. */
  async #register(signal: AbortSignal): Promise<Node> {
    const { client, nodeName, labels, taints, readStatus, events } = this.#options;
    const wanted: Node = {
      metadata: { name: nodeName, labels: { ...labels }, annotations: { ...ANNOTATIONS } },
      spec: taints.length === 0 ? {} : { taints: [...taints] },
      status: await readStatus(undefined),
    };
    try {
      const node = this.#keep(await client.create(NODES, wanted, { signal }));
      events.changed(undefined, wanted.status ?? {});
      return node;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    const patch = { metadata: { labels } };
    return this.#keep(await client.patch(NODES, { name: nodeName }, patch, { kind: "strategic", signal }));
  }

  #keep(node: Node): Node {
    this.#node = node;
    this.#options.onNode(node);
    return node;
  }

  #owner(): OwnerReference | undefined {
    const { uid, name } = this.#node?.metadata ?? {};
    return uid === undefined || name === undefined ? undefined : { apiVersion: "v1", kind: "Node", name, uid };
  }
}

/** How often the status is compared. */
const CHECK_MS = 10_000;
/** Sooner while the node is not ready, so that it is known at once when it is. */
const CHECK_UNREADY_MS = 250;
/** How often it is reported though nothing has changed: the lease says that the node lives. */
const REPORT_MS = 300_000;

const ANNOTATIONS = { "volumes.kubernetes.io/controller-managed-attach-detach": "true" } as const;

function isReady(node: Node | undefined): boolean {
  return (node?.status?.conditions ?? []).some(({ type, status }) => type === "Ready" && status === "True");
}

/** The list is merged by type, which cannot hold two addresses of one type nor lose one: it is replaced. */
function replaced(addresses: NodeStatus["addresses"]): readonly unknown[] {
  return [...(addresses ?? []), { $patch: "replace" }];
}

function isSameStatus(before: NodeStatus | undefined, after: NodeStatus): boolean {
  return isDeepStrictEqual(withoutHeartbeats(before ?? {}), withoutHeartbeats(after));
}

/** Only fields that we write, and without times that change with every look. */
function withoutHeartbeats({
  capacity,
  allocatable,
  conditions,
  addresses,
  daemonEndpoints,
  nodeInfo,
  images,
}: NodeStatus): unknown {
  const steady = (conditions ?? []).map((condition) => ({ ...condition, lastHeartbeatTime: undefined }));
  const byType = steady.toSorted((left, right) => (left.type < right.type ? -1 : 1));
  const own = { capacity, allocatable, conditions: byType, addresses, daemonEndpoints, nodeInfo, images };
  return JSON.parse(JSON.stringify(own)) as unknown;
}

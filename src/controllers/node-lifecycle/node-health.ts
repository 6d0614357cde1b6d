import type { Lease } from "../../api/coordination-v1.gen.ts";
import type { Node } from "../../api/core-v1.gen.ts";
import type { Clock } from "../../base/clock.ts";
import { NEVER_UPDATED, readyCondition } from "./node-conditions.ts";

/** For how long a node is believed after its last sign of life. */
const GRACE_MS = 40_000;
/** The same for a node that has not yet given one. */
const STARTUP_GRACE_MS = 60_000;

interface SignOfLife {
  /** What the sign said; another text is a new sign. */
  readonly text: string;
  /** When it was seen, on the controller's own monotonic clock: the node's clock may be wrong, and both may jump. */
  readonly seenAt: number;
}

/** When each node last gave a sign of life: a renewed lease, or a heartbeat in its status. */
export class NodeHealth {
  readonly #clock: Clock;
  readonly #signs = new Map<string, SignOfLife>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes note of a node and its lease as they are now, and returns for how many milliseconds more the node is believed. */
  observe(node: Node, lease: Lease | undefined): number {
    const name = node.metadata?.name ?? "";
    const ready = readyCondition(node);
    const heartbeat = ready?.reason === NEVER_UPDATED ? undefined : ready?.lastHeartbeatTime;
    const text = JSON.stringify([node.metadata?.uid, lease?.spec?.renewTime, heartbeat]);
    const now = this.#clock.monotonic();
    const known = this.#signs.get(name);
    const sign = known?.text === text ? known : { text, seenAt: now };
    this.#signs.set(name, sign);
    const isSilentSinceBirth = lease === undefined && heartbeat === undefined;
    return sign.seenAt + (isSilentSinceBirth ? STARTUP_GRACE_MS : GRACE_MS) - now;
  }

  /** Forgets a node that is gone. */
  forget(name: string): void {
    this.#signs.delete(name);
  }
}

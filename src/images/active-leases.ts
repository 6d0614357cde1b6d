import type { Digest } from "../oci/digest.ts";

/** What the pulls that run now need: no garbage collection may take it. */
export class ActiveLeases {
  readonly #leases = new Set<ActiveLease>();

  /** Begins a lease; it ends when it is disposed. */
  open(): ActiveLease {
    const lease = new ActiveLease(() => void this.#leases.delete(lease));
    this.#leases.add(lease);
    return lease;
  }

  digests(): Digest[] {
    return Array.from(this.#leases, (lease) => [...lease.digests]).flat();
  }

  chainIds(): Digest[] {
    return Array.from(this.#leases, (lease) => [...lease.chainIds]).flat();
  }
}

/** The blobs and snapshots that one pull needs, named before they are made. */
export class ActiveLease implements Disposable {
  readonly digests = new Set<Digest>();
  readonly chainIds = new Set<Digest>();
  readonly #end: () => void;

  constructor(end: () => void) {
    this.#end = end;
  }

  [Symbol.dispose](): void {
    this.#end();
  }
}

import type { LeaseId, Storage } from "../../storage/storage.ts";

/** How much longer than asked for an object may live, so that many can share one lease. */
const SHARING_MS = 60_000;
const MAX_OBJECTS = 1000;

/** Hands out leases of one length. Objects stored at about the same time share one. */
export class LeasePool {
  readonly #storage: Storage;
  readonly #ttlSeconds: number;
  #granted: Promise<LeaseId> | undefined;
  #sharedUntil = 0;
  #objects = 0;

  constructor(storage: Storage, ttlSeconds: number) {
    this.#storage = storage;
    this.#ttlSeconds = ttlSeconds;
  }

  /** Returns a lease that lives for at least the pool's length from now. */
  async lease(): Promise<LeaseId> {
    const now = performance.now();
    if (this.#granted === undefined || now >= this.#sharedUntil || this.#objects >= MAX_OBJECTS) {
      this.#sharedUntil = now + SHARING_MS;
      this.#objects = 0;
      this.#granted = this.#storage.grantLease(this.#ttlSeconds + SHARING_MS / 1000);
    }
    this.#objects++;
    const granted = this.#granted;
    try {
      return await granted;
    } catch (error) {
      if (this.#granted === granted) this.#granted = undefined;
      throw error;
    }
  }
}

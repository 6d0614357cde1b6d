import { randomInt } from "node:crypto";

/** An address, or why there is none. */
export type TakenAddress =
  | { readonly address: string; readonly reason?: undefined }
  | { readonly address?: undefined; readonly reason: string };

/** Hands out IPv4 addresses of a range, each to one until it is stored. */
export class AddressPool {
  readonly #range: string;
  // What is handed out but not yet stored; who has not stored it by its time never will.
  readonly #reserved = new Map<string, number>();

  /** `range` is in CIDR notation. */
  constructor(range: string) {
    this.#range = range;
  }

  /** Takes the `wanted` address, or any where that is empty, unless it is in `used`. */
  async take(wanted: string, used: ReadonlySet<string>): Promise<TakenAddress> {
    const { first, size, numberOf, textOf } = await openRange(this.#range);
    this.#forget();
    const isTaken = (address: string) => used.has(address) || this.#reserved.has(address);
    if (wanted !== "") {
      const offset = (numberOf(wanted) ?? 0) - first;
      if (offset < 1 || offset > size - 2) {
        return {
          reason: `the provided IP (${wanted}) is not in the valid range. The range of valid IPs is ${this.#range}`,
        };
      }
      if (isTaken(wanted)) return { reason: "provided IP is already allocated" };
      return this.#reserve(wanted);
    }
    // The first is the API server's own, the last the broadcast address.
    const start = randomInt(FIRST_OFFSET, size - 1);
    for (let step = 0; step < size - 1 - FIRST_OFFSET; step++) {
      const offset = FIRST_OFFSET + ((start - FIRST_OFFSET + step) % (size - 1 - FIRST_OFFSET));
      const address = textOf(first + offset);
      if (!isTaken(address)) return this.#reserve(address);
    }
    return { reason: "range is full" };
  }

  #reserve(address: string): TakenAddress {
    this.#reserved.set(address, performance.now() + RESERVATION_MS);
    return { address };
  }

  #forget(): void {
    const now = performance.now();
    for (const [address, end] of this.#reserved) if (end < now) this.#reserved.delete(address);
  }
}

/** Returns the first address of a range that a service may have. */
export async function firstAddress(range: string): Promise<string> {
  const { first, textOf } = await openRange(range);
  return textOf(first + 1);
}

const RESERVATION_MS = 60_000;
const FIRST_OFFSET = 2;

async function openRange(range: string) {
  const { IPv4 } = (await import("ipaddr.js")).default;
  const numberOf = (text: string): number | undefined => {
    if (!IPv4.isValidFourPartDecimal(text)) return undefined;
    return IPv4.parse(text).octets.reduce((number, octet) => number * 256 + octet, 0);
  };
  const textOf = (number: number) =>
    new IPv4([24, 16, 8, 0].map((bits) => Math.floor(number / 2 ** bits) % 256)).toString();
  const [, bits] = IPv4.parseCIDR(range);
  const first = numberOf(IPv4.networkAddressFromCIDR(range).toString()) ?? 0;
  return { first, size: 2 ** (32 - bits), numberOf, textOf };
}

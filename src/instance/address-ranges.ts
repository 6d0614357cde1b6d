import { overlaps, parseCidr, type Cidr } from "./cidr.ts";
import { InstanceError } from "./instance-error.ts";

/** The addresses of one cluster. */
export interface AddressRanges {
  /** Range of pod addresses, `10.42.0.0/16` where that is free. */
  readonly podCidr: string;
  /** Range of Service addresses, `10.43.0.0/16` where that is free. */
  readonly serviceCidr: string;
}

/** Returns the first pair of ranges that overlaps nothing in `taken`. Throws `InstanceError` with code `NO_FREE_RANGE`. */
export function chooseAddressRanges(taken: readonly Cidr[]): AddressRanges {
  const free = candidates().find((pair) => isFree(pair.podCidr, taken) && isFree(pair.serviceCidr, taken));
  if (free !== undefined) return free;
  throw new InstanceError(
    "NO_FREE_RANGE",
    `Cannot choose address ranges: every private range is routed by this host or used by another cluster`,
    { hint: "Remove clusters that are no longer needed: berth down --purge --name NAME" },
  );
}

/** Whether both of a cluster's ranges are free of everything in `taken`. */
export function areRangesFree(ranges: AddressRanges, taken: readonly Cidr[]): boolean {
  return isFree(ranges.podCidr, taken) && isFree(ranges.serviceCidr, taken);
}

function isFree(cidr: string, taken: readonly Cidr[]): boolean {
  const range = parseCidr(cidr);
  return !taken.some((other) => overlaps(range, other));
}

/** Private ranges in order of preference: 10/8 from 10.42 on, then the upper 172.16/12, then the shared 100.64/10 (RFC 6598). */
function candidates(): AddressRanges[] {
  return [...pairs(10, 42, 254), ...pairs(172, 20, 31), ...pairs(100, 64, 127)];
}

function pairs(first: number, from: number, to: number): AddressRanges[] {
  return Array.from({ length: Math.floor((to - from + 1) / 2) }, (_, index) => ({
    podCidr: `${first}.${from + 2 * index}.0.0/16`,
    serviceCidr: `${first}.${from + 2 * index + 1}.0.0/16`,
  }));
}

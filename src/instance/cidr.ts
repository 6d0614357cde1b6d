/** An IPv4 range in CIDR notation, as numbers. */
export interface Cidr {
  /** First address as an unsigned 32-bit number. */
  readonly base: number;
  readonly prefix: number;
}

/** Returns the range `text` (`10.42.0.0/16`) names; host bits are dropped. Throws `RangeError` where it is none. */
export function parseCidr(text: string): Cidr {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const parts = (match?.slice(1) ?? []).map(Number);
  const [a, b, c, d, prefix] = parts;
  if (a === undefined || b === undefined || c === undefined || d === undefined || prefix === undefined) {
    throw new RangeError(`Cannot parse "${text}": not an IPv4 range`);
  }
  if (prefix > 32 || parts.slice(0, 4).some((octet) => octet > 255)) {
    throw new RangeError(`Cannot parse "${text}": not an IPv4 range`);
  }
  return { base: network(((a * 256 + b) * 256 + c) * 256 + d, prefix), prefix };
}

/** Whether the two ranges share an address. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  const prefix = Math.min(a.prefix, b.prefix);
  return network(a.base, prefix) === network(b.base, prefix);
}

/** Drops the host bits of an address. */
export function network(address: number, prefix: number): number {
  const size = 2 ** (32 - prefix);
  return address - (address % size);
}

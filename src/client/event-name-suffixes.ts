import { randomInt } from "node:crypto";

/**
 * The ends of event names: the nanosecond in hexadecimal, as client-go has it. Lists are sorted by name, and times have whole seconds, so
 * the names alone keep events of one moment in order. The clock has milliseconds; chance keeps two recorders apart.
 */
export class EventNameSuffixes {
  #ms = 0;
  #nanoseconds = 0n;

  /** Returns a suffix that is greater than those given before for the same millisecond. */
  next(atMs: number): string {
    const ms = Math.trunc(atMs);
    const from = ms === this.#ms ? this.#nanoseconds : BigInt(ms) * 1_000_000n;
    this.#ms = ms;
    this.#nanoseconds = from + BigInt(randomInt(1, 2000));
    return this.#nanoseconds.toString(16);
  }
}

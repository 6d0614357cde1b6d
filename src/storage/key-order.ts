import type { KeyRange } from "./storage.ts";

/** Compares keys by their UTF-8 bytes; negative, zero or positive like a sort comparator. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return utf8Rank(left) - utf8Rank(right);
  }
  return a.length - b.length;
}

/** Returns whether `key` lies in `range`. */
export function isInRange(key: string, range: KeyRange): boolean {
  if (range.rangeEnd === undefined) return key === range.key;
  return compareKeys(key, range.key) >= 0 && compareKeys(key, range.rangeEnd) < 0;
}

/** Returns the index of the first of the ordered `keys` that is not less than `key`. */
export function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(keys[middle] as string, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Surrogates stand for code points above U+FFFF, whose UTF-8 sorts after that of U+E000–U+FFFF.
function utf8Rank(codeUnit: number): number {
  return codeUnit >= 0xd800 && codeUnit <= 0xdfff ? codeUnit + 0x10000 : codeUnit;
}

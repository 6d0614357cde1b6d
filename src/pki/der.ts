/** Distinguished Encoding Rules (X.690): what certificates are written in. Each function returns one whole value. */

/** Returns a value of any tag. */
export function derValue(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

/** Returns a SEQUENCE. */
export function derSequence(...items: readonly Uint8Array[]): Buffer {
  return derValue(0x30, ...items);
}

/** Returns a SET of one element. */
export function derSetOf(item: Uint8Array): Buffer {
  return derValue(0x31, item);
}

/** Returns an INTEGER from its big-endian bytes, read as unsigned. */
export function derUnsignedInteger(bytes: Uint8Array): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0);
  const trimmed = start === -1 ? Buffer.from([0]) : bytes.subarray(start);
  const isNegative = ((trimmed[0] ?? 0) & 0x80) !== 0;
  return derValue(0x02, Buffer.from(isNegative ? [0] : []), trimmed);
}

/** Returns a BOOLEAN. */
export function derBoolean(value: boolean): Buffer {
  return derValue(0x01, Buffer.from([value ? 0xff : 0]));
}

/** Returns an OBJECT IDENTIFIER from its dotted form. */
export function derObjectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return derValue(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** Returns an OCTET STRING. */
export function derOctetString(content: Uint8Array): Buffer {
  return derValue(0x04, content);
}

/** Returns a BIT STRING; `unusedBits` of the last byte do not count. */
export function derBitString(content: Uint8Array, unusedBits = 0): Buffer {
  return derValue(0x03, Buffer.from([unusedBits]), content);
}

/** Returns a UTF8String. */
export function derUtf8String(text: string): Buffer {
  return derValue(0x0c, Buffer.from(text, "utf8"));
}

/** Returns a time to the second, as RFC 5280 §4.1.2.5 wants it: UTCTime through 2049, GeneralizedTime after. */
export function derTime(time: Date): Buffer {
  const digits = time.toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return time.getUTCFullYear() < 2050
    ? derValue(0x17, Buffer.from(digits.slice(2), "ascii"))
    : derValue(0x18, Buffer.from(digits, "ascii"));
}

/** Returns a value in place of another's tag (IMPLICIT), context class. */
export function derImplicit(number: number, content: Uint8Array): Buffer {
  return derValue(0x80 | number, content);
}

/** Returns a value around another (EXPLICIT), context class. */
export function derExplicit(number: number, content: Uint8Array): Buffer {
  return derValue(0xa0 | number, content);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

function base128(value: number): number[] {
  const bytes = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) bytes.unshift(0x80 | (rest % 128));
  return bytes;
}

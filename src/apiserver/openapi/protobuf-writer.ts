/** Protocol buffers' wire format, as much of it as an OpenAPI v2 document needs. Each function returns one field. */

/** Returns a field that holds text. */
export function textField(number: number, text: string): Buffer {
  return lengthDelimited(number, Buffer.from(text, "utf8"));
}

/** Returns a field that holds a message of `fields`. */
export function messageField(number: number, ...fields: readonly Uint8Array[]): Buffer {
  return lengthDelimited(number, Buffer.concat(fields));
}

const LENGTH_DELIMITED = 2;

function lengthDelimited(number: number, content: Uint8Array): Buffer {
  return Buffer.concat([varint((number << 3) | LENGTH_DELIMITED), varint(content.byteLength), content]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

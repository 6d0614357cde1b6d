/** One field of a protobuf message as it stands on the wire. */
export interface WireField {
  readonly number: number;
  /** The number of a varint or fixed field; the bytes of a length-delimited one. */
  readonly value: bigint | Uint8Array;
}

/** Yields the fields of a message in order. Throws `RangeError` for bytes that are no message. */
export function* readWireFields(message: Uint8Array): Generator<WireField> {
  const reader = new WireReader(message);
  while (!reader.isAtEnd()) {
    const tag = Number(reader.varint());
    const number = Math.floor(tag / 8);
    if (number < 1) throw new RangeError("a field has no number");
    yield { number, value: reader.value(tag % 8) };
  }
}

/** Yields the numbers of a packed list. */
export function* readPackedVarints(bytes: Uint8Array): Generator<bigint> {
  const reader = new WireReader(bytes);
  while (!reader.isAtEnd()) yield reader.varint();
}

class WireReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  isAtEnd(): boolean {
    return this.#position >= this.#bytes.length;
  }

  value(wireType: number): bigint | Uint8Array {
    switch (wireType) {
      case 0:
        return this.varint();
      case 1:
        return this.#view.getBigUint64(this.#advance(8), true);
      case 2:
        return this.#delimited();
      case 5:
        return BigInt(this.#view.getUint32(this.#advance(4), true));
      default:
        throw new RangeError(`wire type ${wireType} is not known`);
    }
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#advance(1)] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new RangeError("a number is longer than 64 bits");
  }

  #delimited(): Uint8Array {
    const length = Number(this.varint());
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  #advance(count: number): number {
    const start = this.#position;
    if (count > this.#bytes.length - start) throw new RangeError("the message ends inside a field");
    this.#position = start + count;
    return start;
  }
}

/** A Go type as the compiler wrote it into a binary for reflection. */
export interface GoType {
  /** The name with its package's last word (`v1.Pod`, `string`, `map[string]string`). */
  readonly name: string;
  /** The import path of a named struct; empty for everything else. */
  readonly packagePath: string;
  readonly kind: GoKind;
  /** What a pointer, slice, array or map holds. */
  readonly element?: GoType;
  readonly fields?: readonly GoField[];
}

export interface GoField {
  readonly name: string;
  readonly embedded: boolean;
  /** The struct tag, as in `json:"name" protobuf:"bytes,1,opt,name=name"`. */
  readonly tag: string;
  readonly type: GoType;
}

export type GoKind =
  | "bool"
  | "int"
  | "int32"
  | "int64"
  | "uint8"
  | "float"
  | "string"
  | "map"
  | "pointer"
  | "slice"
  | "struct"
  | "other";

/**
 * Reads every struct type that a statically linked, 64-bit little-endian Go binary describes for reflection.
 * Layouts are those of `internal/abi` since Go 1.20; the file is only read, never run.
 */
export function readGoStructs(binary: Buffer): readonly GoType[] {
  const reader = new TypeReader(binary);
  return reader.structs();
}

const KINDS: ReadonlyMap<number, GoKind> = new Map([
  [1, "bool"],
  [2, "int"],
  [5, "int32"],
  [6, "int64"],
  [8, "uint8"],
  [13, "float"],
  [14, "float"],
  [17, "slice"],
  [21, "map"],
  [22, "pointer"],
  [23, "slice"],
  [24, "string"],
  [25, "struct"],
]);

const TYPE_SIZE = 48;
const STRUCT_TYPE_SIZE = 80;
const FLAG_UNCOMMON = 1;
const FLAG_EXTRA_STAR = 2;

type MutableGoType = { -readonly [Key in keyof GoType]: GoType[Key] };

class TypeReader {
  readonly #binary: Buffer;
  readonly #sections: readonly Section[];
  readonly #typesBase: number;
  readonly #seen = new Map<number, MutableGoType>();

  constructor(binary: Buffer) {
    this.#binary = binary;
    this.#sections = readSections(binary);
    this.#typesBase = sectionNamed(this.#sections, ".rodata").address;
  }

  structs(): readonly GoType[] {
    const links = sectionNamed(this.#sections, ".typelink");
    for (let offset = 0; offset < links.size; offset += 4) {
      this.#type(this.#typesBase + this.#binary.readInt32LE(links.offset + offset));
    }
    return [...this.#seen.values()].filter((type) => type.kind === "struct");
  }

  #type(address: number): GoType {
    const known = this.#seen.get(address);
    if (known !== undefined) return known;
    const at = this.#fileOffset(address);
    const type: MutableGoType = { name: this.#typeName(at), packagePath: "", kind: kindAt(this.#binary, at) };
    this.#seen.set(address, type);
    if (type.kind === "pointer" || type.kind === "slice") type.element = this.#type(this.#pointer(at + TYPE_SIZE));
    if (type.kind === "map") type.element = this.#type(this.#pointer(at + TYPE_SIZE + 8));
    if (type.kind === "struct") {
      type.packagePath = this.#packagePath(at);
      type.fields = this.#fields(at);
    }
    return type;
  }

  #fields(at: number): readonly GoField[] {
    const first = this.#pointer(at + TYPE_SIZE + 8);
    const count = this.#pointer(at + TYPE_SIZE + 16);
    return Array.from({ length: count }, (_, index) => this.#field(this.#fileOffset(first + index * 24)));
  }

  #field(at: number): GoField {
    const name = this.#name(this.#fileOffset(this.#pointer(at)));
    return { name: name.text, tag: name.tag, embedded: name.embedded, type: this.#type(this.#pointer(at + 8)) };
  }

  #typeName(at: number): string {
    const { text } = this.#name(this.#fileOffset(this.#typesBase + this.#binary.readInt32LE(at + 40)));
    return (this.#binary.readUInt8(at + 20) & FLAG_EXTRA_STAR) === 0 ? text : text.slice(1);
  }

  #packagePath(at: number): string {
    if ((this.#binary.readUInt8(at + 20) & FLAG_UNCOMMON) === 0) return "";
    const nameOffset = this.#binary.readInt32LE(at + STRUCT_TYPE_SIZE);
    return nameOffset === 0 ? "" : this.#name(this.#fileOffset(this.#typesBase + nameOffset)).text;
  }

  #name(at: number): { readonly text: string; readonly tag: string; readonly embedded: boolean } {
    const flags = this.#binary.readUInt8(at);
    const text = this.#varText(at + 1);
    const tag = (flags & 2) === 0 ? "" : this.#varText(text.end).text;
    return { text: text.text, tag, embedded: (flags & 8) !== 0 };
  }

  #varText(at: number): { readonly text: string; readonly end: number } {
    let length = 0;
    let cursor = at;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#binary.readUInt8(cursor++);
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return { text: this.#binary.toString("utf8", cursor, cursor + length), end: cursor + length };
  }

  #pointer(at: number): number {
    return Number(this.#binary.readBigUInt64LE(at));
  }

  #fileOffset(address: number): number {
    const section = this.#sections.find(
      (candidate) => candidate.address <= address && address < candidate.address + candidate.size,
    );
    if (section === undefined)
      throw new RangeError(`Cannot read address "0x${address.toString(16)}": no section holds it`);
    return section.offset + (address - section.address);
  }
}

function kindAt(binary: Buffer, at: number): GoKind {
  return KINDS.get(binary.readUInt8(at + 23) & 31) ?? "other";
}

interface Section {
  readonly name: string;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
}

function readSections(binary: Buffer): readonly Section[] {
  if (binary.toString("latin1", 0, 4) !== "\u007fELF")
    throw new TypeError("Cannot read the binary: it is not an ELF file");
  const headers = Number(binary.readBigUInt64LE(40));
  const entrySize = binary.readUInt16LE(58);
  const count = binary.readUInt16LE(60);
  const names = headers + binary.readUInt16LE(62) * entrySize;
  const namesOffset = Number(binary.readBigUInt64LE(names + 24));
  return Array.from({ length: count }, (_, index) => {
    const at = headers + index * entrySize;
    const nameStart = namesOffset + binary.readUInt32LE(at);
    return {
      name: binary.toString("latin1", nameStart, binary.indexOf(0, nameStart)),
      address: Number(binary.readBigUInt64LE(at + 16)),
      offset: Number(binary.readBigUInt64LE(at + 24)),
      size: Number(binary.readBigUInt64LE(at + 32)),
    };
  }).filter((section) => section.address > 0);
}

function sectionNamed(sections: readonly Section[], name: string): Section {
  const section = sections.find((candidate) => candidate.name === name);
  if (section === undefined) throw new RangeError(`Cannot read section "${name}": the binary has none`);
  return section;
}

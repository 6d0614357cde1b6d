import { readPackedVarints, readWireFields, type WireField } from "./protobuf-reader.ts";
import { type FieldSchema, type Scalar, type TypeRef, typeRefOfKind, typeSchema } from "./schema/type-schema.ts";
import { badRequestStatus } from "./status.ts";

/** Whether a body starts as Kubernetes' protobuf envelope does. */
function isProtobufEnvelope(body: Uint8Array): boolean {
  return MAGIC.every((byte, index) => body[index] === byte);
}

/**
 * Decodes a body of media type `application/vnd.kubernetes.protobuf` to what its JSON would be, zero values left out as Go
 * does. Throws `StatusError` with code `BadRequest`, whose message holds nothing of the body.
 */
export function decodeProtobuf(body: Uint8Array): Readonly<Record<string, unknown>> {
  if (!isProtobufEnvelope(body)) throw badRequestStatus("the body is not a Kubernetes protobuf envelope");
  try {
    return decodeEnvelope(body.subarray(MAGIC.length));
  } catch (error) {
    if (error instanceof RangeError) throw badRequestStatus(`the protobuf body cannot be read: ${error.message}`);
    throw error;
  }
}

const MAGIC = [0x6b, 0x38, 0x73, 0x00] as const;
const MAX_DEPTH = 100;

/** `runtime.Unknown`: 1 typeMeta {1 apiVersion, 2 kind}, 2 raw, 3 contentEncoding, 4 contentType. */
function decodeEnvelope(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const unknown = fieldsByNumber(bytes);
  const typeMeta = fieldsByNumber(bytesOf(unknown.get(1)));
  const apiVersion = text(bytesOf(typeMeta.get(1)));
  const kind = text(bytesOf(typeMeta.get(2)));
  if (bytesOf(unknown.get(3)).length > 0) throw new RangeError("its content is encoded");
  const ref = typeRefOfKind(apiVersion, kind) ?? typeRefOfKind("meta.k8s.io/v1", kind);
  if (ref === undefined) throw badRequestStatus(`no kind "${kind}" is registered for version "${apiVersion}"`);
  return { apiVersion, kind, ...decodeMessage(bytesOf(unknown.get(2)), ref, 0) };
}

type NumberedField =
  | { readonly name: string; readonly schema: FieldSchema }
  /** A nested part whose fields JSON shows in the whole. */
  | { readonly inline: TypeRef };

function decodeMessage(bytes: Uint8Array, ref: TypeRef, depth: number): Record<string, unknown> {
  if (depth > MAX_DEPTH) throw new RangeError("it is nested too deeply");
  const numbered = numberedFields(ref);
  const result: Record<string, unknown> = {};
  for (const wire of readWireFields(bytes)) {
    const field = numbered.get(wire.number);
    if (field === undefined) continue;
    if ("inline" in field) Object.assign(result, decodeMessage(bytesOf(wire.value), field.inline, depth + 1));
    else addField(result, field, wire, depth);
  }
  return result;
}

function addField(
  result: Record<string, unknown>,
  { name, schema }: { readonly name: string; readonly schema: FieldSchema },
  wire: WireField,
  depth: number,
): void {
  switch (schema.container) {
    case "list":
      listIn(result, name).push(...listElements(wire, schema, depth));
      return;
    case "map":
    case "mapOfLists":
      setEntry(mapIn(result, name), mapEntry(bytesOf(wire.value), schema, depth));
      return;
    default: {
      const value = decodeSingle(wire.value, schema, depth);
      if (value !== undefined && !(schema.omitsZero === true && isZero(value))) result[name] = value;
    }
  }
}

function listElements(wire: WireField, schema: FieldSchema, depth: number): readonly unknown[] {
  if (typeof wire.value !== "bigint" && isVarint(schema)) {
    return [...readPackedVarints(wire.value)].map((value) => decodeSingle(value, schema, depth));
  }
  return [decodeSingle(wire.value, schema, depth)];
}

/** A map is a list of messages {1 key, 2 value}; a list as value is a message {1 items}. */
function mapEntry(bytes: Uint8Array, schema: FieldSchema, depth: number): readonly [string, unknown] {
  let key = "";
  let value: unknown;
  for (const wire of readWireFields(bytes)) {
    if (wire.number === 1) key = text(bytesOf(wire.value));
    if (wire.number !== 2) continue;
    value =
      schema.container === "mapOfLists"
        ? [...readWireFields(bytesOf(wire.value))].map((item) => decodeSingle(item.value, schema, depth))
        : decodeSingle(wire.value, schema, depth);
  }
  return [key, value ?? (schema.container === "mapOfLists" ? [] : emptyValue(schema))];
}

function listIn(result: Record<string, unknown>, name: string): unknown[] {
  const list = (result[name] as unknown[] | undefined) ?? [];
  result[name] = list;
  return list;
}

function mapIn(result: Record<string, unknown>, name: string): object {
  const map = (result[name] as object | undefined) ?? {};
  result[name] = map;
  return map;
}

function setEntry(map: object, [key, value]: readonly [string, unknown]): void {
  // An assignment to the key `__proto__` would set the prototype.
  Object.defineProperty(map, key, { value, enumerable: true, writable: true, configurable: true });
}

function decodeSingle(value: bigint | Uint8Array, schema: FieldSchema, depth: number): unknown {
  if (schema.ref !== undefined) return decodeMessage(bytesOf(value), schema.ref, depth + 1);
  return SCALARS[schema.scalar ?? "any"](value);
}

const SCALARS: Record<Scalar, (value: bigint | Uint8Array) => unknown> = {
  string: (value) => text(bytesOf(value)),
  boolean: (value) => numberOf(value) !== 0n,
  int32: (value) => Number(BigInt.asIntN(32, numberOf(value))),
  int64: (value) => Number(BigInt.asIntN(64, numberOf(value))),
  double: (value) => new Float64Array(new BigUint64Array([numberOf(value)]).buffer)[0],
  bytes: (value) => Buffer.from(bytesOf(value)).toString("base64"),
  time: (value) => timeText(bytesOf(value), ""),
  microTime: (value) => timeText(bytesOf(value), "micro"),
  duration: (value) => `${varintField(fieldsByNumber(bytesOf(value)), 1)}ns`,
  quantity: (value) => text(bytesOf(fieldsByNumber(bytesOf(value)).get(1))) || "0",
  intOrString: (value) => intOrString(fieldsByNumber(bytesOf(value))),
  raw: (value) => rawJson(bytesOf(fieldsByNumber(bytesOf(value)).get(1))),
  any: () => undefined,
};

function numberedFields(ref: TypeRef): ReadonlyMap<number, NumberedField> {
  const known = numberedFieldsByRef.get(ref);
  if (known !== undefined) return known;
  const schema = typeSchema(ref);
  const numbered = new Map<number, NumberedField>();
  for (const [name, field] of Object.entries(schema?.fields ?? {})) {
    if (field.number !== undefined) numbered.set(field.number, { name, schema: field });
  }
  for (const part of schema?.inlines ?? []) numbered.set(part.number, { inline: part.ref });
  numberedFieldsByRef.set(ref, numbered);
  return numbered;
}

const numberedFieldsByRef = new Map<TypeRef, ReadonlyMap<number, NumberedField>>();

function fieldsByNumber(bytes: Uint8Array): ReadonlyMap<number, bigint | Uint8Array> {
  return new Map([...readWireFields(bytes)].map((field) => [field.number, field.value]));
}

function bytesOf(value: bigint | Uint8Array | undefined): Uint8Array {
  if (typeof value === "bigint") throw new RangeError("a number stands where a text or message should");
  return value ?? new Uint8Array();
}

function numberOf(value: bigint | Uint8Array): bigint {
  if (typeof value !== "bigint") throw new RangeError("a text or message stands where a number should");
  return value;
}

function varintField(fields: ReadonlyMap<number, bigint | Uint8Array>, number: number): bigint {
  return BigInt.asIntN(64, numberOf(fields.get(number) ?? 0n));
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function text(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new RangeError("a text is not UTF-8");
  }
}

function intOrString(fields: ReadonlyMap<number, bigint | Uint8Array>): number | string {
  return varintField(fields, 1) === 0n ? Number(varintField(fields, 2)) : text(bytesOf(fields.get(3)));
}

/** {1 seconds, 2 nanos}; the zero time is an empty message. */
function timeText(bytes: Uint8Array, precision: "" | "micro"): string | undefined {
  if (bytes.length === 0) return undefined;
  const fields = fieldsByNumber(bytes);
  const seconds = Number(varintField(fields, 1));
  if (Math.abs(seconds) > 253_402_300_799) throw new RangeError("a time is out of range");
  const date = new Date(seconds * 1000).toISOString().slice(0, 19);
  if (precision === "") return `${date}Z`;
  return `${date}.${String(varintField(fields, 2) / 1000n).padStart(6, "0")}Z`;
}

function rawJson(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(text(bytes)) as unknown;
  } catch {
    throw new RangeError("an embedded object is not JSON");
  }
}

function isVarint(schema: FieldSchema): boolean {
  return schema.scalar === "int32" || schema.scalar === "int64" || schema.scalar === "boolean";
}

function isZero(value: unknown): boolean {
  if (value === "" || value === 0 || value === false) return true;
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function emptyValue(schema: FieldSchema): unknown {
  if (schema.ref !== undefined) return {};
  return schema.scalar === "quantity" ? "0" : "";
}

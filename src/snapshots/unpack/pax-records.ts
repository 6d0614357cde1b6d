import type { FileTime } from "../../linux/file-times.ts";
import { invalidLayer } from "../snapshot-error.ts";

/** Parses the records of a PAX extended header. Keys and values are byte strings; of equal keys the last one counts. */
export function parsePaxRecords(body: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  let at = 0;
  while (at < body.length) {
    const space = body.indexOf(0x20, at);
    const length = space < 0 ? Number.NaN : decimal(body.toString("latin1", at, space));
    const end = at + length;
    if (!(length > 0 && end <= body.length && end > space + 1 && body[end - 1] === 0x0a)) {
      throw invalidLayer("a PAX record is malformed");
    }
    addRecord(records, body.toString("latin1", space + 1, end - 1));
    at = end;
  }
  return records;
}

/** Returns a PAX number (decimal, a fraction allowed), or undefined where the record is missing. */
export function paxNumber(records: ReadonlyMap<string, string>, key: string): number | undefined {
  const text = records.get(key);
  if (text === undefined || text === "") return undefined;
  if (!/^-?\d{1,19}(?:\.\d*)?$/.test(text)) throw invalidLayer(`the PAX record "${key}" is no number`);
  return Number(text);
}

/** Returns a PAX time, exact to the nanosecond; what lies before the epoch is the epoch. */
export function paxTime(records: ReadonlyMap<string, string>, key: string): FileTime | undefined {
  const seconds = paxNumber(records, key);
  if (seconds === undefined) return undefined;
  if (seconds < 0) return { seconds: 0, nanoseconds: 0 };
  const fraction = (records.get(key) ?? "").split(".")[1] ?? "";
  return { seconds: Math.floor(seconds), nanoseconds: Number(fraction.slice(0, 9).padEnd(9, "0")) };
}

const SPARSE_OFFSET = "GNU.sparse.offset";
const SPARSE_LENGTH = "GNU.sparse.numbytes";

function addRecord(records: Map<string, string>, record: string): void {
  const equals = record.indexOf("=");
  if (equals < 1) throw invalidLayer("a PAX record has no key");
  const key = record.slice(0, equals);
  const value = record.slice(equals + 1);
  const mayHoldNul = key.startsWith("SCHILY.xattr.");
  // A NUL would end the text where it crosses into C: what was checked would not be what is used.
  if (!mayHoldNul && value.includes("\0")) throw invalidLayer(`the PAX record "${key}" holds a NUL character`);
  if (key === SPARSE_OFFSET || key === SPARSE_LENGTH) addSparsePair(records, value);
  else records.set(key, value);
}

// Format 0.0 repeats these two keys for each piece; 0.1 has the same numbers in one record, so we make that.
function addSparsePair(records: Map<string, string>, value: string): void {
  const map = records.get("GNU.sparse.map");
  records.set("GNU.sparse.map", map === undefined ? value : `${map},${value}`);
}

function decimal(text: string): number {
  return /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
}

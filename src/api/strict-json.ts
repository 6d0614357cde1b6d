import { jsonFaultOffset } from "./json-fault.ts";
import { badRequestStatus } from "./status.ts";

/** A JSON text's value, and the paths of keys that an object in it has twice. */
export interface StrictJson {
  readonly value: unknown;
  /** As in `spec.containers[0].name`; in the order of the text, each once. */
  readonly duplicates: readonly string[];
}

export interface StrictJsonOptions {
  /** Nesting of objects and lists that is read; 1000 by default. */
  readonly maxDepth?: number;
  /** Whether to look for duplicate keys; true by default. The last of equal keys wins either way. */
  readonly findDuplicates?: boolean;
}

/**
 * Parses JSON. Throws `StatusError` with code `BadRequest` for text that is not JSON or is nested too deeply; the message
 * has the place of the fault and nothing of the text, which may be secret.
 */
export function parseStrictJson(text: string, options: StrictJsonOptions = {}): StrictJson {
  const value = parse(text);
  const scan = new Scan(text, options.maxDepth ?? 1000);
  return { value, duplicates: scan.run(options.findDuplicates ?? true) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw badRequestStatus(`json parse error: invalid JSON at offset ${jsonFaultOffset(text) ?? text.length}`);
  }
}

type Frame =
  | { readonly kind: "object"; readonly keys: Set<string>; key: string; expectsKey: boolean }
  | { readonly kind: "list"; index: number };

/** Walks over text that is known to be JSON. */
class Scan {
  readonly #text: string;
  readonly #maxDepth: number;
  readonly #frames: Frame[] = [];
  readonly #duplicates = new Set<string>();

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  run(findDuplicates: boolean): readonly string[] {
    for (let position = 0; position < this.#text.length; position++) {
      switch (this.#text.charCodeAt(position)) {
        case QUOTE:
          position = this.#string(position, findDuplicates);
          break;
        case OPEN_OBJECT:
          this.#push({ kind: "object", keys: new Set(), key: "", expectsKey: true });
          break;
        case OPEN_LIST:
          this.#push({ kind: "list", index: 0 });
          break;
        case CLOSE_OBJECT:
        case CLOSE_LIST:
          this.#frames.pop();
          break;
        case COMMA:
          this.#nextElement();
          break;
        default:
      }
    }
    return [...this.#duplicates];
  }

  #push(frame: Frame): void {
    if (this.#frames.length >= this.#maxDepth) throw badRequestStatus("json parse error: exceeded max depth");
    this.#frames.push(frame);
  }

  #nextElement(): void {
    const frame = this.#frames.at(-1);
    if (frame?.kind === "list") frame.index++;
    if (frame?.kind === "object") frame.expectsKey = true;
  }

  /** Returns the position of the closing quote. */
  #string(start: number, findDuplicates: boolean): number {
    let end = start + 1;
    for (let code = this.#text.charCodeAt(end); code !== QUOTE; code = this.#text.charCodeAt(end)) {
      end += code === BACKSLASH ? 2 : 1;
    }
    const frame = this.#frames.at(-1);
    if (frame?.kind === "object" && frame.expectsKey) {
      frame.expectsKey = false;
      if (findDuplicates) this.#key(frame, this.#text.slice(start, end + 1));
    }
    return end;
  }

  #key(frame: Frame & { kind: "object" }, quoted: string): void {
    frame.key = quoted.includes("\\") ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
    if (frame.keys.has(frame.key)) this.#duplicates.add(this.#path());
    frame.keys.add(frame.key);
  }

  #path(): string {
    const parts = this.#frames.map((frame) => (frame.kind === "object" ? `.${frame.key}` : `[${frame.index}]`));
    return parts.join("").replace(/^\./, "");
  }
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

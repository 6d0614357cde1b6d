import type * as Yaml from "yaml";
import type { LineCounter, Node } from "yaml";

import { messageOf } from "../../base/coded-error.ts";
import { configFault, unknownKey } from "./config-fault.ts";

/** One key of a mapping, its value still to be read. */
export interface YamlEntry {
  readonly key: string;
  readonly value: Node | null;
  readonly line: number | undefined;
}

/** Reads a YAML file of nested mappings by hand, so that each fault has its line and no fault quotes a secret. */
export class YamlReader {
  readonly #yaml: typeof Yaml;
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly root: Node | null;

  constructor(yaml: typeof Yaml, file: string, text: string) {
    this.#yaml = yaml;
    this.#file = file;
    this.#lines = new yaml.LineCounter();
    const document = yaml.parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    const [error] = document.errors;
    if (error !== undefined) {
      const { line } = this.#lines.linePos(error.pos[0]);
      // The parser's own message may quote what stands there.
      throw configFault(file, line, `it is not YAML (${error.code.toLowerCase().replaceAll("_", " ")})`);
    }
    this.root = document.contents;
  }

  /** Returns the entries of a mapping; none where there is nothing. `sections` tells the keys that it may have, if they are fixed. */
  entries(node: Node | null, section: string, sections?: Readonly<Record<string, readonly string[]>>): YamlEntry[] {
    const { isMap, isScalar } = this.#yaml;
    if (node === null || (isScalar(node) && node.value === null)) return [];
    if (!isMap(node)) throw this.fault(node, `${section} must hold keys and values`);
    return node.items.map((pair) => {
      const keyNode = pair.key as Node;
      if (!isScalar(keyNode)) throw this.fault(keyNode, `${section} has a key that is no text`);
      const key = String(keyNode.value);
      if (sections !== undefined && sections[section]?.includes(key) !== true) {
        throw this.fault(keyNode, unknownKey(key, section, sections));
      }
      return { key, value: pair.value as Node | null, line: this.#lineOf(keyNode) };
    });
  }

  text({ key, value, line }: YamlEntry): string {
    if (this.#yaml.isScalar(value) && (typeof value.value === "string" || typeof value.value === "number")) {
      return String(value.value);
    }
    throw configFault(this.#file, line, `"${key}" must be text`);
  }

  boolean({ key, value, line }: YamlEntry): boolean {
    if (this.#yaml.isScalar(value) && typeof value.value === "boolean") return value.value;
    throw configFault(this.#file, line, `"${key}" must be true or false`);
  }

  texts({ key, value, line }: YamlEntry): { readonly text: string; readonly line: number | undefined }[] {
    if (!this.#yaml.isSeq(value)) throw configFault(this.#file, line, `"${key}" must be a list`);
    return value.items.map((item) => {
      const node = item as Node;
      const entry = { key, value: node, line: this.#lineOf(node) };
      return { text: this.text(entry), line: entry.line };
    });
  }

  /** Returns what `parse` makes of a value; what it throws is told with the line. */
  parsed<T>({ line }: Pick<YamlEntry, "line">, parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      throw configFault(this.#file, line, messageOf(error), error);
    }
  }

  fault(node: Node | null, reason: string) {
    return configFault(this.#file, this.#lineOf(node), reason);
  }

  #lineOf(node: Node | null): number | undefined {
    const offset = node?.range?.[0];
    return offset === undefined ? undefined : this.#lines.linePos(offset).line;
  }
}

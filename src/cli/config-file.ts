import { readFile } from "node:fs/promises";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";

import { type Command, InvalidArgumentError, type Option } from "commander";

import { codeOf, messageOf } from "../base/coded-error.ts";
import { CliError } from "./cli-error.ts";

/**
 * Gives the flags of `command` that were not on the command line the values of a config file: `path`, or the default
 * one where it exists. Keys are the long flags of `all`, a command that has all flags a file may set. Throws `CliError` with code `CONFIG_INVALID`, naming the key.
 */
export async function applyConfigFile(options: {
  readonly command: Command;
  readonly all: Command;
  readonly path: string | undefined;
}): Promise<void> {
  const { command, all, path } = options;
  const file = path ?? defaultConfigFile();
  const values = await readConfig(file, path !== undefined);
  for (const [key, value] of Object.entries(values)) applyValue({ command, all, file, key, value });
}

function defaultConfigFile(): string {
  if (userInfo().uid === 0) return "/etc/berth/config.yaml";
  return join(process.env["XDG_CONFIG_HOME"] ?? join(homedir(), ".config"), "berth/config.yaml");
}

async function readConfig(file: string, isRequired: boolean): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (!isRequired && codeOf(error) === "ENOENT") return {};
    throw new CliError("CONFIG_INVALID", `Cannot read config file "${file}": ${messageOf(error)}`, { cause: error });
  }
  const { parse } = await import("yaml");
  const value: unknown = parseYaml(file, text, parse);
  if (value === null || value === undefined) return {};
  if (typeof value === "object" && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new CliError("CONFIG_INVALID", `Cannot read config file "${file}": it must hold keys and values`);
}

function parseYaml(file: string, text: string, parse: (text: string) => unknown): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new CliError("CONFIG_INVALID", `Cannot read config file "${file}": ${messageOf(error)}`, { cause: error });
  }
}

interface ConfigValue {
  readonly command: Command;
  readonly all: Command;
  readonly file: string;
  readonly key: string;
  readonly value: unknown;
}

function applyValue({ command, all, file, key, value }: ConfigValue): void {
  const known = optionsOf(all).get(key);
  if (known === undefined || key === "config") {
    throw new CliError("CONFIG_INVALID", `Cannot read config file "${file}": unknown key "${key}"`, {
      hint: "Its keys are the flags of: berth up --help",
    });
  }
  const option = optionsOf(command).get(key);
  // A file serves all commands: what this one does not know is for another.
  if (option === undefined) return;
  const attribute = option.attributeName();
  const source = command.getOptionValueSource(attribute);
  if (source === "cli" || source === "env") return;
  command.setOptionValueWithSource(attribute, parsedValue(option, value, { file, key }), "config");
}

/** Options by their key in the file: the long flag without its dashes, `node` for `--no-node`. */
function optionsOf(command: Command): ReadonlyMap<string, Option> {
  return new Map(command.options.map((option) => [(option.long ?? "").replace(/^--(no-)?/, ""), option]));
}

function parsedValue(option: Option, value: unknown, at: { readonly file: string; readonly key: string }): unknown {
  const refuse = (why: string) =>
    new CliError("CONFIG_INVALID", `Cannot read config file "${at.file}": key "${at.key}": ${why}`);
  if (!option.required && !option.optional) {
    if (typeof value === "boolean" || (at.key === "verbose" && typeof value === "number")) return value;
    throw refuse("it must be true or false");
  }
  const items = Array.isArray(value) ? value : [value];
  if (!items.every((item) => typeof item === "string" || typeof item === "number"))
    throw refuse("it must be text or a number");
  const text = items.join(",");
  try {
    return option.parseArg === undefined ? text : option.parseArg(text, undefined);
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw refuse(error.message);
    throw error;
  }
}

import type { Command } from "commander";

import type { CliHost } from "./cli-host.ts";

/** What a command's definition gets. */
export interface CommandContext {
  readonly host: CliHost;
  /** Every command there is. */
  readonly commands: readonly CommandEntry[];
}

/** Adds a command with all its flags to `parent`. */
export type DefineCommand = (parent: Command, context: CommandContext) => void;

/** A command as the program lists it; `load` brings the module that holds the rest. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<DefineCommand>;
}

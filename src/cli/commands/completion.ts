import { Argument, Command } from "commander";

import type { CommandContext } from "../command-entry.ts";
import { completionScript, SHELLS, type CompletedCommand, type Shell } from "../completion-script.ts";

/** `berth completion`. */
export function defineCompletion(parent: Command, context: CommandContext): void {
  parent
    .command("completion")
    .description("Print a completion script for a shell")
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .addHelpText("after", EXAMPLES)
    .action(async (shell: Shell) => {
      process.stdout.write(completionScript(shell, await completedCommands(context)));
    });
}

const EXAMPLES = `
Examples:
  source <(berth completion bash)
  berth completion fish > ~/.config/fish/completions/berth.fish`;

/** Reads names and flags from the definitions themselves, so that scripts cannot differ from them. */
async function completedCommands(context: CommandContext): Promise<CompletedCommand[]> {
  const program = new Command().enablePositionalOptions();
  for (const entry of context.commands) (await entry.load())(program, context);
  return program.commands.map((command) => ({
    name: command.name(),
    summary: context.commands.find((entry) => entry.name === command.name())?.summary ?? "",
    verbs: command.commands.map((verb) => verb.name()),
    flags: command.options.flatMap((option) => (option.long === undefined ? [] : [option.long])),
  }));
}

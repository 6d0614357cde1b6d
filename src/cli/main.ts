import { Command, CommanderError } from "commander";

import { packageVersion } from "../base/package-version.ts";
import type { CliHost } from "./cli-host.ts";
import type { CommandEntry } from "./command-entry.ts";
import { reportError } from "./report-error.ts";

/** Runs one command line and returns its exit code: 0, the command's own, or 1 where it failed. */
export async function main(argv: readonly string[], host: CliHost): Promise<number> {
  try {
    const program = await createProgram(argv, host);
    await program.parseAsync([...argv], { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    reportError(error, { verbose: argv.some((word) => /^(-v+|--verbose)$/.test(word)) });
    return 1;
  }
}

/** Every command; the module of one is loaded only when it is asked for. */
const COMMANDS: readonly CommandEntry[] = [
  {
    name: "up",
    summary: "Start a cluster in the background and wait until it is ready",
    load: async () => (await import("./commands/up.ts")).defineUp,
  },
  {
    name: "server",
    summary: "Run a cluster in the foreground, for a service manager",
    load: async () => (await import("./commands/server.ts")).defineServer,
  },
  {
    name: "down",
    summary: "End a cluster and its pods; with --purge remove all it has left",
    load: async () => (await import("./commands/down.ts")).defineDown,
  },
  {
    name: "status",
    summary: "Show whether a cluster runs and is ready",
    load: async () => (await import("./commands/status.ts")).defineStatus,
  },
  {
    name: "logs",
    summary: "Show Berth's own logs, by role",
    load: async () => (await import("./commands/logs.ts")).defineLogs,
  },
  {
    name: "image",
    summary: "Pull, load, list, push and check the images of a node",
    load: async () => (await import("./commands/image/image.ts")).defineImage,
  },
  {
    name: "kubectl",
    summary: "Run kubectl against a cluster, whatever the current context",
    load: async () => (await import("./commands/kubectl.ts")).defineKubectl,
  },
  {
    name: "version",
    summary: "Show versions",
    load: async () => (await import("./commands/version.ts")).defineVersion,
  },
  {
    name: "completion",
    summary: "Print a completion script for a shell",
    load: async () => (await import("./commands/completion.ts")).defineCompletion,
  },
];

/** Returns the program with the command that `argv` asks for defined in full and the others by name. */
async function createProgram(argv: readonly string[], host: CliHost): Promise<Command> {
  const program = new Command("berth")
    .description("A Kubernetes-compatible container node: one command starts a cluster that kubectl drives.")
    .version(packageVersion(), "--version", "show the version")
    .enablePositionalOptions()
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText("after", EXAMPLES);
  const asked = argv.find((word) => !word.startsWith("-"));
  const helped = asked === "help" ? argv[argv.indexOf("help") + 1] : asked;
  for (const entry of COMMANDS) {
    if (entry.name === helped) (await entry.load())(program, { host, commands: COMMANDS });
    else program.command(entry.name).description(entry.summary);
  }
  return program;
}

const EXAMPLES = `
Examples:
  berth up                       start a cluster; kubectl uses it from then on
  berth up --name demo           another one beside it
  berth kubectl get pods -A      kubectl, whatever the current context
  berth down --purge             end it and remove all it has left`;

import { type Command, InvalidArgumentError, Option } from "commander";

import { addIdentityFlags, existingInstance, readFlags, type IdentityFlags } from "../cluster-flags.ts";
import { followLogs, readLogs, type LogRole } from "../read-logs.ts";
import { printLogLine } from "../print-log-line.ts";

interface LogsFlags extends IdentityFlags {
  readonly follow: boolean;
  readonly tail: number;
  readonly output?: "json";
}

const ROLES: readonly LogRole[] = ["control", "node", "supervisor"];

/** `berth logs`. */
export function defineLogs(parent: Command): void {
  addIdentityFlags(parent.command("logs"))
    .description("Show Berth's own logs, those of all roles in the order of time")
    .argument("[roles...]", `${ROLES.join(", ")} (default: all)`, toRole)
    .option("-f, --follow", "go on with what is written from now on", false)
    .option("--tail <lines>", "only the last lines; -1 for all", toCount, -1)
    .addOption(new Option("-o, --output <format>", "lines as they are stored").choices(["json"]))
    .addHelpText("after", "\nExamples:\n  berth logs -f\n  berth logs node --tail 50")
    .action(async (roles: readonly LogRole[] | undefined, _flags: unknown, command: Command) => {
      await showLogs(roles === undefined || roles.length === 0 ? ROLES : roles, await readFlags<LogsFlags>(command));
    });
}

async function showLogs(roles: readonly LogRole[], flags: LogsFlags): Promise<void> {
  const { paths } = await existingInstance(flags, "show the logs of");
  const print = (line: string) => process.stdout.write(`${flags.output === "json" ? line : printLogLine(line)}\n`);
  const { lines, positions } = await readLogs(paths.logsDir, roles);
  for (const line of flags.tail < 0 ? lines : lines.slice(lines.length - Math.min(flags.tail, lines.length)))
    print(line);
  if (!flags.follow) return;
  const end = new AbortController();
  process.once("SIGINT", () => end.abort());
  for await (const line of followLogs(paths.logsDir, positions, end.signal)) print(line);
}

function toRole(text: string, previous: readonly LogRole[] | undefined): LogRole[] {
  const role = ROLES.find((name) => name === text);
  if (role === undefined) throw new InvalidArgumentError(`Roles are ${ROLES.join(", ")}.`);
  return [...(previous ?? []), role];
}

function toCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count)) throw new InvalidArgumentError("It is not a whole number.");
  return count;
}

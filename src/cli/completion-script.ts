export const SHELLS = ["bash", "zsh", "fish"] as const;

export type Shell = (typeof SHELLS)[number];

/** What a shell can complete of one command. */
export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  /** Commands of its own, e.g. `pull` of `image`. */
  readonly verbs: readonly string[];
  readonly flags: readonly string[];
}

/** Returns a script that completes commands and flags. */
export function completionScript(shell: Shell, commands: readonly CompletedCommand[]): string {
  return SCRIPTS[shell](commands);
}

type ScriptOf = (commands: readonly CompletedCommand[]) => string;

const SCRIPTS: Readonly<Record<Shell, ScriptOf>> = {
  bash: bashScript,
  zsh: (commands) => `#compdef berth\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(commands)}`,
  fish: fishScript,
};

function bashScript(commands: readonly CompletedCommand[]): string {
  const names = commands.map((command) => command.name).join(" ");
  const cases = commands.map(
    (command) => `    ${command.name}) words="${[...command.verbs, ...command.flags].join(" ")} --help" ;;`,
  );
  return `_berth() {
  local words="${names} help --help --version"
  if [ "$COMP_CWORD" -gt 1 ]; then
    case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _berth berth
`;
}

function fishScript(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap(({ name, summary, verbs, flags }) => [
    `complete -c berth -f -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`,
    ...verbs.map((verb) => `complete -c berth -f -n '__fish_seen_subcommand_from ${name}' -a ${verb}`),
    ...flags.map((flag) => `complete -c berth -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)}`),
  ]);
  return `${lines.join("\n")}\n`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`\'`)}'`;
}

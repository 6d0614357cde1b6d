/**
 * Named points where a test makes the program fail. Armed by `BERTH_FAILPOINTS`, a list of `name=terms` joined by `;`.
 * Terms (after FreeBSD's fail(9)) are joined by `->`, each `[N*]action`: `off`, `kill` (SIGKILL to itself), `sleep(MS)`,
 * `error(CODE)` (throws an `Error` with that `code`). When the counted terms are used up, the point does nothing.
 * A point that fires writes one line `failpoint NAME ACTION` to standard error, so that a test can prove it was reached.
 */
export async function failpoint(name: string): Promise<void> {
  const term = armed?.get(name)?.next();
  if (term === undefined || term.action === "off") return;
  process.stderr.write(`failpoint ${name} ${term.action}\n`);
  switch (term.action) {
    case "kill":
      process.kill(process.pid, "SIGKILL");
      return await new Promise<never>(() => {});
    case "sleep":
      return await new Promise((resolve) => setTimeout(resolve, Number(term.argument)));
    case "error":
      throw Object.assign(new Error(`${term.argument} at failpoint ${name}`), { code: term.argument });
  }
}

type Action = "off" | "kill" | "sleep" | "error";

interface Term {
  readonly action: Action;
  readonly argument: string;
  left: number;
}

class Terms {
  readonly #terms: Term[];

  constructor(text: string) {
    this.#terms = text.split("->").map(parseTerm);
  }

  next(): Term | undefined {
    const term = this.#terms.find((candidate) => candidate.left > 0);
    if (term !== undefined) term.left--;
    return term;
  }
}

const armed = parseFailpoints(process.env["BERTH_FAILPOINTS"]);

function parseFailpoints(text: string | undefined): ReadonlyMap<string, Terms> | undefined {
  if (text === undefined || text === "") return undefined;
  return new Map(
    text.split(";").map((part) => {
      const at = part.indexOf("=");
      return [part.slice(0, at).trim(), new Terms(part.slice(at + 1).trim())];
    }),
  );
}

function parseTerm(text: string): Term {
  const match = /^(?:(\d+)\*)?(off|kill|sleep|error)(?:\(([^)]*)\))?$/.exec(text.trim());
  if (match === null) throw new RangeError(`Cannot parse failpoint term "${text}"`);
  const [, count, action, argument] = match;
  return {
    action: action as Action,
    argument: argument ?? "",
    left: count === undefined ? Number.POSITIVE_INFINITY : Number(count),
  };
}

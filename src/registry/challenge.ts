/** One challenge of a `WWW-Authenticate` header (RFC 9110 §11.6.1). */
export interface Challenge {
  /** In lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** Names in lower case; of equal names the first counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

const MAX_HEADER_LENGTH = 16 * 1024;

/**
 * Parses the challenges of one or many `WWW-Authenticate` headers: several in one header, commas in quotes and escapes
 * included. What cannot be understood is left out.
 */
export function parseChallenges(headers: string | readonly string[] | undefined): Challenge[] {
  const list = typeof headers === "string" ? [headers] : (headers ?? []);
  return list.flatMap((header) => parseHeader(header.slice(0, MAX_HEADER_LENGTH)));
}

const SEPARATORS = /[\s,]*/y;
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const EQUALS = /\s*=\s*/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
const UNQUOTED = /[^\s,"]*/y;

function parseHeader(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match !== null) at = pattern.lastIndex;
    return match ?? undefined;
  };
  while (at < header.length) {
    take(SEPARATORS);
    const word = take(TOKEN)?.[0];
    if (word === undefined) break;
    // A word with `=` belongs to the challenge before it; any other word starts one.
    if (take(EQUALS) === undefined) {
      challenges.push({ scheme: word.toLowerCase(), parameters: new Map() });
      continue;
    }
    const value = take(QUOTED)?.[1]?.replaceAll(/\\(.)/g, "$1") ?? take(UNQUOTED)?.[0] ?? "";
    const { parameters } = challenges.at(-1) ?? { parameters: new Map<string, string>() };
    if (!parameters.has(word.toLowerCase())) parameters.set(word.toLowerCase(), value);
  }
  return challenges;
}

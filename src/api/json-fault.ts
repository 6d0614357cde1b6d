/**
 * Returns the offset in characters at which a text stops being JSON; undefined where it is JSON. Parsers' own messages quote
 * the text, which may be secret.
 */
export function jsonFaultOffset(text: string): number | undefined {
  const tokens = new RegExp(TOKEN, "y");
  const open: string[] = [];
  let expected: Expected = "value";
  for (;;) {
    const match = tokens.exec(text);
    const [all = "", token = ""] = match ?? [];
    const start = match === null ? text.length : match.index + all.length - token.length;
    const next = nextExpected(expected, kindOf(token), open);
    if (next === undefined) return start;
    if (next === "end" && token === "") return undefined;
    expected = next;
  }
}

// Spaces, then a string, a number or word, a mark, or whatever else one character is; nothing at the end.
const TOKEN =
  /[ \t\n\r]*("[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[^ \t\n\r]|$)/;

type Expected = "colon" | "comma" | "element" | "end" | "key" | "member" | "value";

function kindOf(token: string): string {
  if (token.length > 1 && token.startsWith('"')) return "string";
  return /^(?:-?\d|true$|false$|null$)/.test(token) ? "scalar" : token;
}

/** Returns what may follow; `open` holds the brackets that are open. Undefined where the token may not stand. */
function nextExpected(expected: Expected, token: string, open: string[]): Expected | undefined {
  switch (expected) {
    case "colon":
      return token === ":" ? "value" : undefined;
    case "comma":
      return afterValue(token, open);
    case "end":
      return token === "" ? "end" : undefined;
    case "key":
      return token === "string" ? "colon" : undefined;
    case "member":
      return token === "}" ? close(open) : nextExpected("key", token, open);
    case "element":
      return token === "]" ? close(open) : nextExpected("value", token, open);
    default:
      return afterValueStart(token, open);
  }
}

function afterValueStart(token: string, open: string[]): Expected | undefined {
  if (token === "string" || token === "scalar") return open.length === 0 ? "end" : "comma";
  if (token !== "{" && token !== "[") return undefined;
  open.push(token);
  return token === "{" ? "member" : "element";
}

function afterValue(token: string, open: string[]): Expected | undefined {
  const inObject = open.at(-1) === "{";
  if (token === ",") return inObject ? "key" : "value";
  return token === (inObject ? "}" : "]") ? close(open) : undefined;
}

function close(open: string[]): Expected {
  open.pop();
  return open.length === 0 ? "end" : "comma";
}

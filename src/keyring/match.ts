/**
 * Returns the index form of a docker config key: host, or host and path, without scheme and without a leading `/v1/` or `/v2/`.
 * Returns undefined for a key that is no URL, which matches nothing.
 */
export function indexKeyOf(key: string): string | undefined {
  const parsed = parseLocation(key);
  if (parsed === undefined) return undefined;
  // Three characters go, not four: the slash before the rest stays. `…/v1` without a slash at its end remains a path.
  const path = /^\/v[12]\//.test(parsed.path) ? parsed.path.slice(3) : parsed.path;
  return path === "" || path === "/" ? parsed.host : parsed.host + path;
}

/**
 * Whether an index key covers a normalised repository such as `registry.example:5000/team/app`: equal ports, as many host labels
 * with each matched as a shell glob, and the key's path a plain string prefix of the repository's.
 */
export function matchesRepository(indexKey: string, repository: string): boolean {
  const key = splitRepository(indexKey);
  const target = splitRepository(repository);
  if (key.port !== target.port) return false;
  // An IPv6 address in its brackets would read as a glob's character class.
  if (key.host.startsWith("[")) return key.host === target.host && target.path.startsWith(key.path);
  const keyLabels = key.host.split(".");
  const targetLabels = target.host.split(".");
  if (keyLabels.length !== targetLabels.length) return false;
  if (!target.path.startsWith(key.path)) return false;
  return keyLabels.every((pattern, at) => matchesGlob(pattern, targetLabels[at] ?? ""));
}

/** The key that stands for the default registry where no other key matched one of its images. */
export const DEFAULT_REGISTRY_KEY = "index.docker.io";

/** Whether a repository lies in the default registry: no registry host in front, or one of its names. */
export function isDefaultRegistry(repository: string): boolean {
  const slash = repository.indexOf("/");
  if (slash < 0) return true;
  const first = repository.slice(0, slash);
  if (first === "docker.io" || first === DEFAULT_REGISTRY_KEY) return true;
  return !/[.:]/.test(first) && first !== "localhost";
}

/** Compares index keys in the order they are tried: reverse by bytes, so longer paths and literal hosts come first. */
export function compareIndexKeys(left: string, right: string): number {
  return Buffer.compare(Buffer.from(right), Buffer.from(left));
}

function parseLocation(key: string): { readonly host: string; readonly path: string } | undefined {
  const location = key.replace(/^https?:\/\//, "");
  const slash = location.search(/[/?#]/);
  const host = slash < 0 ? location : location.slice(0, slash);
  const path = slash < 0 ? "" : location.slice(slash).replace(/[?#].*$/s, "");
  if (!isHost(host) || /[\s\p{Cc}]/u.test(path)) return undefined;
  return { host: host.slice(host.lastIndexOf("@") + 1), path };
}

/** What a URL parser accepts as authority, with glob characters left in: they may not be in the port. */
function isHost(host: string): boolean {
  if (/[\s\p{Cc}"<>\\^`{|}%]/u.test(host)) return false;
  const port = /:([^:\]]*)$/.exec(host);
  return port === null || /^\d*$/.test(port[1] ?? "");
}

function splitRepository(location: string): { readonly host: string; readonly port: string; readonly path: string } {
  const slash = location.indexOf("/");
  const authority = slash < 0 ? location : location.slice(0, slash);
  const path = slash < 0 ? "" : location.slice(slash);
  const port = /^(.*):(\d*)$/.exec(authority);
  if (port === null || authority.endsWith("]")) return { host: authority, port: "", path };
  return { host: port[1] ?? "", port: port[2] ?? "", path };
}

/** Shell glob of one label: `*`, `?` and `[…]`; a malformed pattern matches nothing. Linear in pattern times text. */
function matchesGlob(pattern: string, text: string): boolean {
  const tokens = parseGlob(pattern);
  if (tokens === undefined) return false;
  // Greedy match with one place to return to: backtracking further than the last star never helps.
  let at = 0;
  let token = 0;
  let star: { readonly token: number; at: number } | undefined;
  while (at < text.length) {
    const current = tokens[token];
    if (current === "star") {
      star = { token: ++token, at };
    } else if (current !== undefined && current(text[at] ?? "")) {
      at++;
      token++;
    } else if (star !== undefined) {
      token = star.token;
      at = ++star.at;
    } else {
      return false;
    }
  }
  return tokens.slice(token).every((rest) => rest === "star");
}

type GlobToken = "star" | ((character: string) => boolean);

function parseGlob(pattern: string): readonly GlobToken[] | undefined {
  const tokens: GlobToken[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] ?? "";
    if (character === "*") tokens.push("star");
    else if (character === "?") tokens.push(() => true);
    else if (character === "[") {
      const end = pattern.indexOf("]", at + (pattern[at + 1] === "^" ? 3 : 2));
      const matches = end < 0 ? undefined : parseClass(pattern.slice(at + 1, end));
      if (matches === undefined) return undefined;
      tokens.push(matches);
      at = end;
    } else tokens.push((candidate) => candidate === character);
  }
  return tokens;
}

function parseClass(body: string): ((character: string) => boolean) | undefined {
  const isNegated = body.startsWith("^");
  const ranges = (isNegated ? body.slice(1) : body).match(/[^]-[^]|[^-]/gu);
  if (ranges === null) return undefined;
  return (character) => {
    const isIn = ranges.some((range) => character >= range.charAt(0) && character <= range.charAt(range.length - 1));
    return isIn !== isNegated;
  };
}

import { RegistryError } from "../registry-error.ts";

/** Returns the error of a configuration file that says something nobody can follow; `reason` must not quote values. */
export function configFault(file: string, line: number | undefined, reason: string, cause?: unknown): RegistryError {
  const where = line === undefined ? `"${file}"` : `"${file}" line ${line}`;
  return new RegistryError("HOSTS_INVALID", `Cannot read registry configuration ${where}: ${reason}`, {
    cause,
    hint: `Correct ${file}; a running node reads it again for the next pull.`,
  });
}

/** Returns why a key is unknown, naming where it belongs where it is known elsewhere or what was probably meant. */
export function unknownKey(
  key: string,
  section: string,
  sections: Readonly<Record<string, readonly string[]>>,
): string {
  const quoted = JSON.stringify(key.slice(0, 64));
  const home = Object.entries(sections).find(([, keys]) => keys.includes(key))?.[0];
  if (home !== undefined) return `${quoted} does not belong in ${section} but in ${home}`;
  const near = (sections[section] ?? []).find((known) => isNear(known, key));
  const known = `it may hold ${(sections[section] ?? []).join(", ")}`;
  return `unknown key ${quoted} in ${section}; ${near === undefined ? known : `did you mean ${JSON.stringify(near)}?`}`;
}

/** Whether at most two letters were typed wrongly. */
function isNear(known: string, key: string): boolean {
  return Math.abs(known.length - key.length) <= 2 && editDistance(known, key) <= 2;
}

function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [i, letter] of Array.from(one).entries()) {
    const next = [i + 1];
    for (let j = 0; j < other.length; j++) {
      const changed = (row[j] ?? 0) + (letter === other[j] ? 0 : 1);
      next.push(Math.min(changed, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** Returns a stored log line as people read it: time, level, role, message, fields. What is no JSON is returned as it is. */
export function printLogLine(line: string): string {
  const entry = parseEntry(line);
  if (entry === undefined) return line;
  const { level, time, role, msg, ...fields } = entry;
  const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${printValue(value)}`);
  return `${text(time)} ${text(level).toUpperCase().padEnd(5)} ${text(role).padEnd(10)} ${text(msg)}${rest.join("")}`;
}

function parseEntry(line: string): Record<string, unknown> | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === "object" && entry !== null && "msg" in entry ? { ...entry } : undefined;
  } catch {
    return undefined;
  }
}

function printValue(value: unknown): string {
  if (typeof value === "object" && value !== null && "message" in value && "stack" in value) {
    return `${JSON.stringify(value.message)}\n${text(value.stack)}`;
  }
  return JSON.stringify(value);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

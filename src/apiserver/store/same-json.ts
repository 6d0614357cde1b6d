/** Says whether two values are the same as JSON: fields in any order, undefined ones as good as absent. */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isSameJson(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  return isWithin(a, b) && Object.keys(b).every((key) => b[key] === undefined || a[key] !== undefined);
}

type JsonObject = Readonly<Record<string, unknown>>;

function isWithin(a: JsonObject, b: JsonObject): boolean {
  return Object.entries(a).every(([key, value]) => isSameJson(value, b[key]));
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

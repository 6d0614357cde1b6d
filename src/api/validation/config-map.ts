import { isDeepStrictEqual } from "node:util";
import type { ConfigMap } from "../core-v1.gen.ts";
import { atKey, forbidden, invalid, tooLong } from "../field-error.ts";
import { checkText, type FieldErrors } from "./checks.ts";
import { configMapKeyFaults } from "./names.ts";

/** Checks a new config map. */
export function* validateConfigMap(configMap: ConfigMap): FieldErrors {
  const { data = {}, binaryData = {} } = configMap;
  let size = 0;
  for (const [key, value] of Object.entries(data)) {
    yield* checkText(atKey("data", key), key, configMapKeyFaults);
    if (Object.hasOwn(binaryData, key))
      yield invalid(atKey("data", key), key, "duplicate of key present in binaryData");
    size += Buffer.byteLength(value);
  }
  for (const [key, value] of Object.entries(binaryData)) {
    yield* checkText(atKey("binaryData", key), key, configMapKeyFaults);
    size += Buffer.byteLength(value, "base64");
  }
  if (size > MAX_CONFIG_MAP_BYTES) yield tooLong("", MAX_CONFIG_MAP_BYTES);
}

/** Checks a change of a config map. */
export function* validateConfigMapUpdate(configMap: ConfigMap, before: ConfigMap): FieldErrors {
  if (before.immutable === true) {
    const detail = "field is immutable when `immutable` is set";
    if (configMap.immutable !== true) yield forbidden("immutable", detail);
    for (const field of ["data", "binaryData"] as const) {
      if (!isDeepStrictEqual(configMap[field] ?? {}, before[field] ?? {})) yield forbidden(field, detail);
    }
  }
  yield* validateConfigMap(configMap);
}

const MAX_CONFIG_MAP_BYTES = 1024 * 1024;

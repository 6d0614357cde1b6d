import { readFile } from "node:fs/promises";

import type { Taint } from "../api/core-v1.gen.ts";
import { CodedError, messageOf } from "../base/coded-error.ts";
import { parseGoDuration } from "./go-duration.ts";
import { DEFAULT_IMAGE_GARBAGE_POLICY, type ImageGarbagePolicy } from "./image-gc/image-garbage-policy.ts";
import type { KubeletConfig } from "./kubelet-options.ts";

/** A file of the kubelet's settings that cannot be used; the message names the file and the field. */
export class KubeletConfigurationError extends CodedError<"CONFIG_INVALID"> {}

/** What a file of settings says. */
export interface KubeletConfiguration {
  readonly config: KubeletConfig;
  /** Names of fields that are set and have no effect here. */
  readonly unhonoured: readonly string[];
}

/**
 * Reads a `KubeletConfiguration` of `kubelet.config.k8s.io/v1beta1`, YAML or JSON. Throws `KubeletConfigurationError` where a field that
 * is honoured has a value that it cannot have.
 */
export async function readKubeletConfiguration(path: string): Promise<KubeletConfiguration> {
  try {
    return configurationOf(await readObject(path));
  } catch (error) {
    const message = `Cannot use the kubelet configuration "${path}": ${messageOf(error)}`;
    throw new KubeletConfigurationError("CONFIG_INVALID", message, { cause: error });
  }
}

async function readObject(path: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readFile(path, "utf8");
  const { parse } = await import("yaml");
  const object: unknown = parse(text, { schema: "core" });
  if (!isObject(object)) throw new TypeError("it is not an object");
  if (object["apiVersion"] !== "kubelet.config.k8s.io/v1beta1") {
    throw new TypeError('apiVersion: must be "kubelet.config.k8s.io/v1beta1"');
  }
  if (object["kind"] !== "KubeletConfiguration") throw new TypeError('kind: must be "KubeletConfiguration"');
  return object;
}

function configurationOf(object: Readonly<Record<string, unknown>>): KubeletConfiguration {
  // As for every Kubernetes object, null is as if it were not there.
  const set = Object.entries(object).filter(([name, value]) => value !== null && !HEAD.includes(name));
  const config: Record<string, unknown> = {};
  const imageGarbage: Record<string, unknown> = {};
  const unhonoured: string[] = [];
  for (const [name, value] of set) {
    const [garbageField, readGarbage] = GARBAGE_FIELDS[name] ?? [];
    const [field, read] = FIELDS[name] ?? [];
    if (garbageField !== undefined) imageGarbage[garbageField] = readGarbage?.(value, name);
    else if (field !== undefined) config[field] = read?.(value, name);
    else unhonoured.push(name);
  }
  checkPulls(config);
  checkGarbage({ ...DEFAULT_IMAGE_GARBAGE_POLICY, ...imageGarbage });
  return { config: { ...config, imageGarbage }, unhonoured };
}

const HEAD = ["apiVersion", "kind"];

type Read<T> = (value: unknown, name: string) => T;

/** Each field that is honoured, under its name in the file. */
const FIELDS: Readonly<Record<string, readonly [field: keyof KubeletConfig, read: Read<unknown>]>> = {
  maxPods: ["maxPods", integer(1)],
  clusterDNS: ["clusterDns", strings],
  clusterDomain: ["clusterDomain", string],
  resolvConf: ["resolvConf", string],
  staticPodPath: ["staticPodPath", string],
  registerWithTaints: ["registerWithTaints", taints],
  nodeStatusMaxImages: ["nodeStatusMaxImages", anyNumberForMinusOne],
  serializeImagePulls: ["serializeImagePulls", boolean],
  maxParallelImagePulls: ["maxParallelImagePulls", integer(1)],
  registryPullQPS: ["registryPullQPS", integer(0)],
  registryBurst: ["registryBurst", integer(0)],
};

const GARBAGE_FIELDS: Readonly<Record<string, readonly [field: keyof ImageGarbagePolicy, read: Read<number>]>> = {
  imageGCHighThresholdPercent: ["highThresholdPercent", integer(0, 100)],
  imageGCLowThresholdPercent: ["lowThresholdPercent", integer(0, 100)],
  imageMinimumGCAge: ["minimumAgeMs", duration],
  imageMaximumGCAge: ["maximumAgeMs", duration],
};

function checkPulls({ serializeImagePulls, maxParallelImagePulls = 1 }: KubeletConfig): void {
  if (serializeImagePulls !== true || maxParallelImagePulls === 1) return;
  throw new RangeError("maxParallelImagePulls: cannot be larger than 1 unless serializeImagePulls is false");
}

function checkGarbage(policy: ImageGarbagePolicy): void {
  const { highThresholdPercent: high, lowThresholdPercent: low, minimumAgeMs, maximumAgeMs } = policy;
  if (low >= high) {
    throw new RangeError(`imageGCHighThresholdPercent: ${high} must be greater than imageGCLowThresholdPercent ${low}`);
  }
  if (maximumAgeMs !== 0 && maximumAgeMs < minimumAgeMs) {
    throw new RangeError("imageMaximumGCAge: must not be less than imageMinimumGCAge");
  }
}

function integer(min: number, max = 2 ** 31 - 1): Read<number> {
  return (value, name) => {
    if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
    throw new RangeError(`${name}: must be an integer from ${min} to ${max}`);
  };
}

function anyNumberForMinusOne(value: unknown, name: string): number {
  return value === -1 ? Number.POSITIVE_INFINITY : integer(0)(value, name);
}

function boolean(value: unknown, name: string): boolean {
  if (typeof value === "boolean") return value;
  throw new TypeError(`${name}: must be true or false`);
}

function string(value: unknown, name: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw new TypeError(`${name}: must be text`);
}

function strings(value: unknown, name: string): readonly string[] {
  if (Array.isArray(value)) return value.map((item, index) => string(item, `${name}[${index}]`));
  throw new TypeError(`${name}: must be a list`);
}

function duration(value: unknown, name: string): number {
  const ms = typeof value === "string" ? parseGoDuration(value) : undefined;
  if (ms !== undefined && ms >= 0) return ms;
  throw new RangeError(`${name}: must be a time span such as "2m0s"`);
}

const EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

function taints(value: unknown, name: string): readonly Taint[] {
  if (!Array.isArray(value)) throw new TypeError(`${name}: must be a list`);
  return value.map((item: unknown, index) => {
    const { key, effect, value: tainted = "" } = isObject(item) ? item : {};
    const at = `${name}[${index}]`;
    if (!EFFECTS.includes(string(effect, `${at}.effect`))) {
      throw new RangeError(`${at}.effect: must be one of ${EFFECTS.join(", ")}`);
    }
    if (typeof tainted !== "string") throw new TypeError(`${at}.value: must be text`);
    return { key: string(key, `${at}.key`), effect: string(effect, at), ...(tainted === "" ? {} : { value: tainted }) };
  });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

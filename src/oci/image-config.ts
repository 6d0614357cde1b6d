import { type Digest, isDigest } from "./digest.ts";
import { JsonReader } from "./json-reader.ts";
import { normalizePlatform, type Platform } from "./platform.ts";
import { parseStrictJson } from "./strict-json.ts";

/** The image config, what containers are made from. Everything in it comes from whoever built the image. */
export interface ImageConfig {
  readonly platform: Platform;
  /** RFC 3339 time, unchecked. */
  readonly created?: string;
  /** Digests of the uncompressed layers, lowest first. */
  readonly diffIds: readonly Digest[];
  readonly config: ContainerDefaults;
}

/** What a container starts with where its own configuration says nothing else. */
export interface ContainerDefaults {
  /** `user[:group]`, names or numbers; empty for root. Unchecked: resolve it in the image before use. */
  readonly user: string;
  /** `NAME=value` each. */
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  /** Absolute path in the container, or empty. */
  readonly workingDir: string;
  /** Absolute paths in the container. */
  readonly volumes: readonly string[];
  /** `port[/protocol]` each. */
  readonly exposedPorts: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly stopSignal?: string;
}

const MAX_ENTRIES = 10_000;
const MAX_HISTORY = 10_000;
const MAX_LAYERS = 500;

/** Parses an image config. Throws `OciError` with code `CONFIG_INVALID` (or `DOCUMENT_INVALID` where it is no clean JSON). */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  const reader = new JsonReader(parseStrictJson(bytes), "CONFIG_INVALID", "image config");
  reader.rejectCaseVariantsOf(["architecture", "os", "variant", "created", "config", "rootfs", "history"]);
  const created = reader.optionalString("created");
  const diffIds = readDiffIds(reader);
  checkHistory(reader, diffIds.length);
  return {
    platform: readConfigPlatform(reader),
    ...(created === undefined ? {} : { created }),
    diffIds,
    config: readDefaults(reader.optionalObject("config") ?? new JsonReader({}, "CONFIG_INVALID", "image config")),
  };
}

function readConfigPlatform(reader: JsonReader): Platform {
  const variant = reader.optionalString("variant");
  return normalizePlatform({
    os: reader.optionalString("os") ?? "",
    architecture: reader.optionalString("architecture") ?? "",
    ...(variant === undefined ? {} : { variant }),
  });
}

function readDiffIds(reader: JsonReader): readonly Digest[] {
  const rootfs = reader.object("rootfs").rejectCaseVariantsOf(["type", "diff_ids"]);
  if (rootfs.string("type") !== "layers") throw rootfs.fault('is of another type than "layers"');
  return rootfs.strings("diff_ids", MAX_LAYERS).map((text) => {
    if (!isDigest(text)) throw rootfs.fault('has in "diff_ids" no sha256 or sha512 digest');
    return text;
  });
}

function checkHistory(reader: JsonReader, layers: number): void {
  const history = reader.objects("history", MAX_HISTORY);
  const filled = history.filter((entry) => entry.optionalBoolean("empty_layer") !== true).length;
  // image-spec makes history optional; where it is there, it must tell of these very layers.
  if (history.length > 0 && filled !== layers) {
    throw reader.fault(`has a history of ${filled} layers but lists ${layers}`);
  }
}

function readDefaults(reader: JsonReader): ContainerDefaults {
  reader.rejectCaseVariantsOf(["User", "Env", "Entrypoint", "Cmd", "WorkingDir", "Volumes", "Labels", "StopSignal"]);
  const stopSignal = reader.optionalString("StopSignal");
  const defaults = {
    user: reader.optionalString("User") ?? "",
    env: reader.strings("Env", MAX_ENTRIES),
    entrypoint: reader.strings("Entrypoint", MAX_ENTRIES),
    cmd: reader.strings("Cmd", MAX_ENTRIES),
    workingDir: reader.optionalString("WorkingDir") ?? "",
    volumes: reader.keys("Volumes", MAX_ENTRIES),
    exposedPorts: reader.keys("ExposedPorts", MAX_ENTRIES),
    labels: reader.stringMap("Labels", MAX_ENTRIES),
    ...(stopSignal === undefined || stopSignal === "" ? {} : { stopSignal }),
  };
  refuseNul(reader, [defaults.user, defaults.workingDir, stopSignal ?? ""]);
  refuseNul(reader, [...defaults.env, ...defaults.entrypoint, ...defaults.cmd, ...defaults.volumes]);
  return defaults;
}

// A NUL would cut the string where it crosses into C: what was checked would not be what is used.
function refuseNul(reader: JsonReader, texts: readonly string[]): void {
  if (texts.some((text) => text.includes("\0"))) throw reader.fault("holds a NUL character");
}

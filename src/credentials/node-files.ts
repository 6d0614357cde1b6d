import { open, stat } from "node:fs/promises";
import { join } from "node:path";

import { messageOf } from "../base/coded-error.ts";
import { type DockerConfig, parseDockercfg, parseDockerConfigJson } from "../keyring/docker-config.ts";
import type { SourcedConfig } from "../keyring/keyring.ts";

/** A place where a docker config may lie on the node. */
export interface NodeFile {
  readonly path: string;
  readonly format: "config.json" | ".dockercfg";
}

export interface NodeFilePlaces {
  /** The kubelet's root directory, searched first. */
  readonly rootDir: string;
  readonly workingDir: string;
  /** Undefined where `$HOME` is not set: its places are left out. */
  readonly home: string | undefined;
}

/** Returns where the kubelet looks for credentials of the node, in its order: every `config.json` before any `.dockercfg`. */
export function nodeFileSearchPaths({ rootDir, workingDir, home }: NodeFilePlaces): readonly NodeFile[] {
  const homes = home === undefined || home === "" ? [] : [home];
  const json = [rootDir, workingDir, ...homes.map((path) => join(path, ".docker")), "/.docker"];
  const legacy = [rootDir, workingDir, ...homes, "/"];
  return [
    ...json.map((directory) => ({ path: join(directory, "config.json"), format: "config.json" as const })),
    ...legacy.map((directory) => ({ path: join(directory, ".dockercfg"), format: ".dockercfg" as const })),
  ];
}

/** The node's own credentials, usable by every pod on it. */
export interface NodeFileCredentials {
  /** Returns the first file that can be read and parsed. A file that changed since the last call is read anew. */
  read(): Promise<NodeFileResult>;
}

export interface NodeFileResult {
  readonly found: SourcedConfig | undefined;
  /** Files that are there but were passed over. The problem never quotes a file. */
  readonly passedOver: readonly { readonly path: string; readonly problem: string }[];
}

/** Returns the credentials found at `files`, looked at in order. */
export function createNodeFileCredentials(files: readonly NodeFile[]): NodeFileCredentials {
  const cache = new Map<string, CachedFile>();
  return {
    read: async () => {
      const passedOver: { path: string; problem: string }[] = [];
      for (const file of files) {
        const result = await readCached(file, cache);
        if (result === undefined) continue;
        if (typeof result === "string") passedOver.push({ path: file.path, problem: result });
        else return { found: { source: { kind: "node-file", path: file.path }, config: result }, passedOver };
      }
      return { found: undefined, passedOver };
    },
  };
}

/** A parsed file, or what is wrong with it. */
type FileContent = DockerConfig | string;

interface CachedFile {
  readonly version: string;
  readonly content: FileContent;
}

/** Far above any docker config in use. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

async function readCached(file: NodeFile, cache: Map<string, CachedFile>): Promise<FileContent | undefined> {
  const version = await versionOf(file.path);
  if (version === undefined) return undefined;
  const cached = cache.get(file.path);
  if (cached?.version === version) return cached.content;
  const content = await parseFile(file);
  cache.set(file.path, { version, content });
  return content;
}

/** Undefined where there is no file. Size and inode are part of it because times are coarse. */
async function versionOf(path: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return `${ino}:${size}:${mtimeNs}:${ctimeNs}`;
  } catch {
    return undefined;
  }
}

async function parseFile(file: NodeFile): Promise<FileContent> {
  try {
    const text = await readBounded(file.path);
    return file.format === "config.json" ? parseDockerConfigJson(text) : parseDockercfg(text);
  } catch (error) {
    return messageOf(error);
  }
}

async function readBounded(path: string): Promise<string> {
  await using file = await open(path, "r");
  const stats = await file.stat();
  if (!stats.isFile()) throw new TypeError("it is not a regular file");
  if (stats.size > MAX_FILE_BYTES) throw new RangeError(`it is larger than ${MAX_FILE_BYTES} bytes`);
  return await file.readFile("utf8");
}

import { chmod, chown, lstat, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { codeOf } from "../../base/coded-error.ts";
import { KeyedMutex } from "../../base/keyed-mutex.ts";
import { type Digest, isDigest } from "../../oci/digest.ts";
import type { SnapshotMount } from "../mount-snapshot.ts";
import { SnapshotError } from "../snapshot-error.ts";
import type { ActiveSnapshot, SnapshotInfo, Snapshotter, SnapshotUsage } from "../snapshotter.ts";
import type { UnpackedLayer } from "../unpack/unpack-job.ts";
import { type ChainRecord, ChainRecords } from "./chain-records.ts";
import { inheritAttributes } from "./inherit-attributes.ts";
import { overlayMount } from "./overlay-mount.ts";
import { directoryUsage } from "./directory-usage.ts";
import { GroupSync } from "./group-sync.ts";

/**
 * Opens the snapshotter in a directory that only this process uses. Layers lie in `layers/<number>` (short names, so that
 * many fit into one mount), their records in `chains/`, writable file systems in `rootfs/<key>/`. Removes what a crash left.
 */
export async function openOverlaySnapshotter(
  root: string,
  options: OverlaySnapshotterOptions = {},
): Promise<Snapshotter> {
  const isDurable = options.isDurable ?? true;
  for (const name of ["layers", "chains", "rootfs"]) {
    // Set-user-id programs of images lie below: nobody else may come here (CVE-2024-25621).
    await mkdir(join(root, name), { recursive: true, mode: 0o700 });
  }
  const records = await ChainRecords.open(join(root, "chains"), isDurable);
  const kept = new Set(records.all().map((record) => record.directory));
  const directories = await readdir(join(root, "layers"));
  await Promise.all(
    directories.filter((name) => !kept.has(name)).map((name) => removeTree(join(root, "layers", name))),
  );
  return new OverlaySnapshotter({
    root,
    records,
    rootfsChains: await readRootfsChains(root),
    lastDirectory: Math.max(0, ...Array.from(kept, Number)),
    sync: new GroupSync(isDurable ? root : undefined),
  });
}

export interface OverlaySnapshotterOptions {
  /** Whether committed layers survive a power cut; true by default. */
  readonly isDurable?: boolean;
}

interface OverlayState {
  readonly root: string;
  readonly records: ChainRecords;
  /** What each writable file system lies on. */
  readonly rootfsChains: Map<string, Digest>;
  readonly lastDirectory: number;
  readonly sync: GroupSync;
}

class OverlaySnapshotter implements Snapshotter {
  readonly #root: string;
  readonly #records: ChainRecords;
  readonly #mutex = new KeyedMutex();
  readonly #rootfsChains: Map<string, Digest>;
  readonly #sync: GroupSync;
  #lastDirectory: number;

  constructor({ root, records, rootfsChains, lastDirectory, sync }: OverlayState) {
    this.#root = root;
    this.#records = records;
    this.#rootfsChains = rootfsChains;
    this.#lastDirectory = lastDirectory;
    this.#sync = sync;
  }

  stat(chainId: Digest): SnapshotInfo | undefined {
    const record = this.#records.get(chainId);
    return record === undefined ? undefined : infoOf(record);
  }

  list(): SnapshotInfo[] {
    return this.#records.all().map(infoOf);
  }

  async prepare(chainId: Digest, parent: Digest | undefined): Promise<ActiveSnapshot> {
    const name = String(++this.#lastDirectory);
    const directory = join(this.#root, "layers", name);
    await mkdir(directory, { mode: 0o755 });
    // The umask must not narrow what containers see as the mode of their root.
    await chmod(directory, 0o755);
    let isKept = false;
    let synced: Promise<void> | undefined;
    const sync = async () => await (synced ??= this.#sync.run());
    return {
      directory,
      sync,
      commit: async (layer) => {
        // A snapshot that is committed before its files are on the disk holds empty files after a power cut.
        await sync();
        isKept = await this.#commit({ chainId, parent, name, layer });
      },
      [Symbol.asyncDispose]: async () => {
        if (!isKept) await removeTree(directory);
      },
    };
  }

  async remove(chainId: Digest): Promise<void> {
    const record = this.#records.get(chainId);
    if (record === undefined) return;
    const isParent = this.#records.all().some((other) => other.parent === chainId);
    if (isParent || [...this.#rootfsChains.values()].includes(chainId)) {
      throw new SnapshotError("SNAPSHOT_IN_USE", `Cannot remove snapshot "${chainId}": another lies on it`);
    }
    await this.#removeAll([record]);
  }

  async prepareRootfs(key: string, chainId: Digest | undefined): Promise<SnapshotMount> {
    const directory = this.#rootfsDirectory(key);
    const chain = this.#chainOf(chainId);
    // At once, so that a garbage collection from now on knows of it.
    if (chainId !== undefined) this.#rootfsChains.set(key, chainId);
    await mkdir(join(directory, "work"), { recursive: true, mode: 0o700 });
    await this.#makeUpper(join(directory, "upper"), chain[0]);
    await writeFile(join(directory, CHAIN_FILE), chainId ?? "", { mode: 0o600 });
    return overlayMount({
      root: this.#root,
      lower: chain.map((record) => `layers/${record.directory}`),
      upper: `rootfs/${key}/upper`,
      work: `rootfs/${key}/work`,
    });
  }

  async removeRootfs(key: string): Promise<void> {
    await removeTree(this.#rootfsDirectory(key));
    this.#rootfsChains.delete(key);
  }

  async listRootfs(): Promise<string[]> {
    return await readdir(join(this.#root, "rootfs"));
  }

  async rootfsUsage(key: string): Promise<SnapshotUsage> {
    return await directoryUsage(join(this.#rootfsDirectory(key), "upper"));
  }

  async collectGarbage(live: ReadonlySet<Digest>): Promise<number> {
    const kept = new Set<Digest>();
    for (const tip of [...live, ...this.#rootfsChains.values()]) {
      for (let at = this.#records.get(tip); at !== undefined && !kept.has(at.chainId);) {
        kept.add(at.chainId);
        at = at.parent === undefined ? undefined : this.#records.get(at.parent);
      }
    }
    return await this.#removeAll(this.#records.all().filter((record) => !kept.has(record.chainId)));
  }

  /** Returns whether the directory is now that of the committed snapshot. */
  async #commit({ chainId, parent, name, layer }: Commit): Promise<boolean> {
    return await this.#mutex.run("records", async () => {
      if (this.#records.get(chainId) !== undefined) return false;
      const below = layer.isOpaque ? [] : this.#chainOf(parent).map((record) => this.#layerDirectory(record));
      await inheritAttributes(join(this.#root, "layers", name), below, layer.implicitDirectories);
      const { bytes, inodes, isOpaque } = layer;
      const parentField = parent === undefined ? {} : { parent };
      await this.#records.add({ version: 1, chainId, ...parentField, directory: name, bytes, inodes, isOpaque });
      return true;
    });
  }

  /** Returns the layers that show through at `chainId`, topmost first. Throws `SNAPSHOT_UNKNOWN` where one is missing. */
  #chainOf(chainId: Digest | undefined): ChainRecord[] {
    const chain: ChainRecord[] = [];
    for (let at = chainId; at !== undefined;) {
      const record = this.#records.get(at);
      if (record === undefined) {
        throw new SnapshotError("SNAPSHOT_UNKNOWN", `Cannot use snapshot "${at}": there is none`);
      }
      chain.push(record);
      at = record.isOpaque ? undefined : record.parent;
    }
    return chain;
  }

  /** Makes the writable directory; what it shows as the root of the container has the attributes of the image's root. */
  async #makeUpper(path: string, top: ChainRecord | undefined): Promise<void> {
    try {
      await mkdir(path, { mode: 0o755 });
    } catch (error) {
      if (codeOf(error) === "EEXIST") return;
      throw error;
    }
    const attributes = top === undefined ? { uid: 0, gid: 0, mode: 0o755 } : await lstat(this.#layerDirectory(top));
    await chown(path, attributes.uid, attributes.gid);
    await chmod(path, attributes.mode & 0o7777);
  }

  /** Returns the bytes freed. */
  async #removeAll(records: readonly ChainRecord[]): Promise<number> {
    if (records.length === 0) return 0;
    // Children go before their parents, so that a crash leaves no record without its chain.
    const depths = new Map(records.map((record) => [record, this.#depthOf(record)]));
    const deepestFirst = records.toSorted((a, b) => (depths.get(b) ?? 0) - (depths.get(a) ?? 0));
    this.#records.hide(deepestFirst);
    // Not while one of the same name is being committed.
    await this.#mutex.run("records", () => this.#records.erase(deepestFirst));
    for (const record of deepestFirst) await removeTree(this.#layerDirectory(record));
    return records.reduce((sum, record) => sum + record.bytes, 0);
  }

  #depthOf(record: ChainRecord): number {
    const parent = record.parent === undefined ? undefined : this.#records.get(record.parent);
    return parent === undefined ? 0 : 1 + this.#depthOf(parent);
  }

  #layerDirectory(record: ChainRecord): string {
    return join(this.#root, "layers", record.directory);
  }

  #rootfsDirectory(key: string): string {
    if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/.test(key)) throw new RangeError(`Cannot use "${key}" as a snapshot key`);
    return join(this.#root, "rootfs", key);
  }
}

interface Commit {
  readonly chainId: Digest;
  readonly parent: Digest | undefined;
  readonly name: string;
  readonly layer: UnpackedLayer;
}

function infoOf({ chainId, parent, bytes, inodes }: ChainRecord): SnapshotInfo {
  return { chainId, ...(parent === undefined ? {} : { parent }), bytes, inodes };
}

const CHAIN_FILE = "chain";

async function readRootfsChains(root: string): Promise<Map<string, Digest>> {
  const chains = new Map<string, Digest>();
  for (const key of await readdir(join(root, "rootfs"))) {
    const text = await readFile(join(root, "rootfs", key, CHAIN_FILE), "utf8").catch(() => "");
    if (isDigest(text)) chains.set(key, text);
  }
  return chains;
}

/** An unpacker that was just killed may still be writing its last file. */
async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 100 });
}

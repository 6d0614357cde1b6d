import { mount } from "../linux/mount.ts";

/** How to mount a snapshot. */
export interface SnapshotMount {
  readonly type: "overlay" | "bind";
  readonly source: string;
  /** The file system's own options, joined by commas. */
  readonly options: readonly string[];
  /** What paths in `options` are relative to, where they are not absolute. */
  readonly directory?: string;
}

/** Mounts a snapshot on an existing directory. Synchronous. Throws `LinuxError`. */
export function mountSnapshot(snapshot: SnapshotMount, target: string): void {
  if (snapshot.type === "bind") {
    mount({ source: snapshot.source, target, flags: ["bind"] });
    return;
  }
  const request = { type: "overlay", source: snapshot.source, target, data: snapshot.options.join(",") } as const;
  if (snapshot.directory === undefined) mount(request);
  else inDirectory(snapshot.directory, () => mount(request));
}

// Nothing else of this process runs in between, and none of its file calls use relative paths.
function inDirectory(directory: string, action: () => void): void {
  const before = process.cwd();
  process.chdir(directory);
  try {
    action();
  } finally {
    process.chdir(before);
  }
}

import { homedir, tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/** Where clusters of this user live. */
export interface HostDirectories {
  /** Parent of the default data directories. */
  readonly dataRoot: string;
  /** Parent of run directories: sockets, pinned namespaces, the list of this host's clusters. Empty after a boot. */
  readonly runRoot: string;
}

/** Returns the system's directories for root, those of the XDG base directory specification for anybody else. */
export function hostDirectories(env: NodeJS.ProcessEnv = process.env): HostDirectories {
  const { uid } = userInfo();
  if (uid === 0) return { dataRoot: "/var/lib/berth", runRoot: "/run/berth" };
  const dataHome = env["XDG_DATA_HOME"] ?? join(homedir(), ".local/share");
  const runtimeDirectory = env["XDG_RUNTIME_DIR"];
  const runRoot = runtimeDirectory === undefined ? join(tmpdir(), `berth-${uid}`) : join(runtimeDirectory, "berth");
  return { dataRoot: join(dataHome, "berth"), runRoot };
}

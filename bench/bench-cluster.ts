import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** A cluster of a name and directory of its own, driven by the `berth` command as a user would. */
export interface BenchCluster extends AsyncDisposable {
  /** Runs `berth up`, in the named data directory, and returns when it does. */
  up(directory?: string): Promise<void>;
  /** Runs `berth down`. */
  down(directory: string, ...flags: string[]): Promise<void>;
  /** Runs any command for the cluster and returns what it printed. */
  berth(command: string, ...flags: string[]): Promise<string>;
}

const BERTH = fileURLToPath(new URL("../bin/berth", import.meta.url));
const DIRECTORY = "data";

/** Makes a place for a cluster; disposing of it purges the cluster in the default directory. */
export async function openBenchCluster(name: string): Promise<BenchCluster> {
  const root = await mkdtemp(join(tmpdir(), "berth-bench-"));
  const berth = async (command: string, directory: string, ...flags: string[]) => {
    const args = [command, "--name", name, "--data-dir", join(root, directory), ...flags];
    return (await promisify(execFile)(BERTH, args)).stdout;
  };
  const kubeconfig = ["--write-kubeconfig", join(root, "kubeconfig"), "--https-listen-port", "0"];
  return {
    up: async (directory = DIRECTORY) => void (await berth("up", directory, ...kubeconfig)),
    down: async (directory, ...flags) => void (await berth("down", directory, ...flags)),
    berth: async (command, ...flags) => await berth(command, DIRECTORY, ...flags),
    [Symbol.asyncDispose]: async () => {
      await berth("down", DIRECTORY, "--purge");
      await rm(root, { recursive: true, force: true });
    },
  };
}

import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { compileCacheDirectory } from "../src/base/compile-cache-directory.ts";
import { SMALL_PROCESS_ENVIRONMENT, SMALL_PROCESS_FLAGS } from "../src/base/small-process.ts";
import type { Descriptor } from "../src/oci/descriptor.ts";
import { cpuSecondsOf } from "./process-usage.ts";

/** Something that pulls and unpacks images. */
export interface Puller {
  readonly name: string;
  /** What has to be there for it, and how to get it. */
  readonly programs: readonly string[];
  readonly install: string;
  /** Starts it with an empty store in a directory. */
  start(directory: string): Promise<RunningPuller>;
}

/** A puller with its store. Disposing of it ends its processes. */
export interface RunningPuller extends AsyncDisposable {
  pull(image: PulledImage): Promise<void>;
  /** Mounts or lays out the image's files at an empty directory. */
  mount(image: PulledImage, directory: string): Promise<void>;
  /** Processor seconds that it used so far, programs that have ended included. */
  cpuSeconds(): number;
  pids(): readonly number[];
}

export interface PulledImage {
  /** `host:port/repository:tag`. */
  readonly reference: string;
  readonly repositoryUrl: string;
  readonly layers: readonly Descriptor[];
}

/** Where Debian packages were unpacked that are not installed; programs and libraries there are found first. */
const PEERS = process.argv.find((each) => each.startsWith("--peers="))?.slice("--peers=".length);
const LIBRARIES =
  PEERS === undefined ? "" : join(PEERS, "usr/lib", `${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`);
const PATH = [...(PEERS === undefined ? [] : [join(PEERS, "usr/bin")]), process.env["PATH"] ?? ""].join(delimiter);
const ENVIRONMENT = { ...process.env, PATH, LD_LIBRARY_PATH: LIBRARIES };

/** Berth's image service, in the same form as in the node process; synced is how it runs by default. */
export function berth(durability: "synced" | "unsynced"): Puller {
  const service = fileURLToPath(new URL("./pull-service.ts", import.meta.url));
  return {
    name: `Berth, ${durability}`,
    programs: [],
    install: "",
    start: async (directory) => {
      const child = spawn(process.execPath, [...SMALL_PROCESS_FLAGS, service, directory, durability], {
        stdio: ["pipe", "pipe", "inherit"],
        env: { ...process.env, ...SMALL_PROCESS_ENVIRONMENT, NODE_COMPILE_CACHE: compileCacheDirectory() },
      });
      const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const expectOk = async () => {
        const next = await answers.next();
        const answer = JSON.parse(next.done === true ? "{}" : next.value) as { ok?: boolean; message?: string };
        if (answer.ok !== true) throw new Error(`Berth failed: ${answer.message ?? "it ended"}`);
      };
      const ask = async (line: string) => {
        child.stdin.write(`${line}\n`);
        await expectOk();
      };
      await expectOk();
      return {
        pull: ({ reference }) => ask(`pull ${reference}`),
        mount: ({ reference }, at) => ask(`mount ${reference} ${at}`),
        cpuSeconds: () => cpuSecondsOf(child.pid ?? 0),
        pids: () => [child.pid ?? 0],
        [Symbol.asyncDispose]: async () => {
          // It ends with its input, and then saves what it compiled, as a node that runs on would have it.
          const ended = new Promise((resolve) => child.once("exit", resolve));
          child.stdin.end();
          await ended;
        },
      };
    },
  };
}

/** `igzip -dc | tar x` of each layer, one for each processor at a time: no digest is checked, nothing recorded. */
export function rawBound(durability: "synced" | "unsynced"): Puller {
  return {
    name: `igzip or zstd | tar, ${durability}`,
    programs: ["igzip", "zstd", "curl", "tar"],
    install: "apt-get install isal zstd curl",
    start: async (directory) => {
      const clients = clientPrograms();
      return {
        pull: async ({ repositoryUrl, layers }) => {
          const largestFirst = layers.toSorted((a, b) => b.size - a.size);
          const lines = largestFirst.map(({ digest, mediaType }) => {
            const name = String(layers.findIndex((layer) => layer.digest === digest));
            return `${repositoryUrl}/blobs/${digest} ${name} ${mediaType.endsWith("zstd") ? "zstd" : "igzip"}`;
          });
          await writeFile(join(directory, "layers"), lines.join("\n"));
          const one = 'mkdir "$1"; curl -sf -o "$1.blob" "$0" && "$2" -dc "$1.blob" | tar -xp --numeric-owner -C "$1"';
          const all = `set -e; cd "$0"; xargs -P ${availableParallelism()} -L 1 bash -c '${one}' < layers`;
          await clients.run("bash", ["-c", durability === "synced" ? `${all}; sync -f .` : all, directory]);
        },
        mount: async ({ layers }, at) => {
          if (layers.length === 1) return await clients.run("mount", ["--bind", join(directory, "0"), at]);
          const lower = layers.map((_, index) => join(directory, String(index))).toReversed();
          await clients.run("mount", ["-t", "overlay", "overlay", "-o", `lowerdir=${lower.join(":")}`, at]);
        },
        ...clients.usage,
        [Symbol.asyncDispose]: async () => {},
      };
    },
  };
}

/** containerd by `ctr`, its daemon started before; it syncs blobs, not layers. */
export function containerd(): Puller {
  return {
    name: "containerd (ctr)",
    programs: ["containerd", "ctr"],
    install: "apt-get install containerd",
    start: async (directory) => {
      const socket = join(directory, "state/containerd.sock");
      const config = join(directory, "config.toml");
      await mkdir(join(directory, "state"));
      await writeFile(
        config,
        `version = 2\nroot = "${directory}/root"\nstate = "${directory}/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n` +
          `[grpc]\n  address = "${socket}"\n`,
      );
      const daemon = spawn(await findProgram("containerd"), ["-c", config, "-l", "error"], {
        stdio: ["ignore", "ignore", "ignore"],
        env: ENVIRONMENT,
      });
      const clients = clientPrograms();
      const ctr = async (...args: string[]) => await clients.run("ctr", ["-a", socket, ...args]);
      for (
        let tries = 0;
        !(await ctr("version").then(
          () => true,
          () => false,
        ));
        tries++
      ) {
        if (tries > 100) throw new Error("containerd did not start");
        await delay(50);
      }
      return {
        pull: ({ reference }) => ctr("images", "pull", "--plain-http", reference),
        mount: ({ reference }, at) => ctr("images", "mount", reference, at),
        cpuSeconds: () => cpuSecondsOf(daemon.pid ?? 0) + clients.usage.cpuSeconds(),
        pids: () => [daemon.pid ?? 0, ...clients.usage.pids()],
        [Symbol.asyncDispose]: () => endProcess(daemon),
      };
    },
  };
}

/** podman with the overlay driver. */
export function podman(): Puller {
  return {
    name: "podman",
    programs: ["podman"],
    install: "apt-get install --no-install-recommends podman",
    start: async (directory) => {
      const policy = join(directory, "policy.json");
      await writeFile(policy, JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] }));
      await writeFile(
        join(directory, "storage.conf"),
        `[storage]\ndriver = "overlay"\nrunroot = "${directory}/run"\ngraphroot = "${directory}/root"\n`,
      );
      await writeFile(join(directory, "registries.conf"), "");
      const clients = clientPrograms({
        CONTAINERS_STORAGE_CONF: join(directory, "storage.conf"),
        CONTAINERS_REGISTRIES_CONF: join(directory, "registries.conf"),
        TMPDIR: directory,
      });
      const store = ["--root", join(directory, "root"), "--runroot", join(directory, "run")];
      return {
        pull: ({ reference }) =>
          clients.run("podman", [
            ...store,
            "pull",
            "-q",
            "--signature-policy",
            policy,
            "--tls-verify=false",
            reference,
          ]),
        mount: async ({ reference }, at) => {
          await clients.run("podman", [...store, "image", "mount", reference]);
          // It chooses the place itself: the only mounted one below its root.
          const layers = join(directory, "root/overlay");
          for (const name of await readdir(layers)) {
            const merged = join(layers, name, "merged");
            const found = await stat(join(merged, "layer-0")).catch(() => undefined);
            if (found !== undefined) return await clients.run("mount", ["--bind", merged, at]);
          }
          throw new Error("podman mounted nothing");
        },
        ...clients.usage,
        [Symbol.asyncDispose]: async () => {
          await clients.run("podman", [...store, "image", "umount", "--all", "--force"]).catch(() => {});
          await clients.run("umount", [join(directory, "root/overlay")]).catch(() => {});
          await rm(join(directory, "run"), { recursive: true, force: true });
        },
      };
    },
  };
}

/** Returns the programs of a puller that are missing. */
export async function missingPrograms({ programs }: Puller): Promise<string[]> {
  const missing: string[] = [];
  for (const program of programs) await findProgram(program).catch(() => missing.push(program));
  return missing;
}

/** Runs programs one after another and keeps count of their processor time. */
function clientPrograms(environment: Readonly<Record<string, string>> = {}) {
  let seconds = 0;
  let current: ChildProcess | undefined;
  const run = async (program: string, args: readonly string[]): Promise<void> => {
    // The shell knows what a program that has ended used; Node does not.
    const script = 'TIMEFORMAT="cpu %U %S"; time "$@" > /dev/null';
    const child = spawn("bash", ["-c", script, "bash", program, ...args], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...ENVIRONMENT, ...environment },
    });
    current = child;
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)));
    const code = await new Promise((resolve) => child.once("close", resolve));
    current = undefined;
    const times = /cpu ([\d.]+) ([\d.]+)\n$/.exec(said);
    seconds += Number(times?.[1] ?? 0) + Number(times?.[2] ?? 0);
    if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${said}`);
  };
  const pids = () => (current?.pid === undefined ? [] : [current.pid]);
  return { run, usage: { cpuSeconds: () => seconds, pids } };
}

async function findProgram(name: string): Promise<string> {
  for (const directory of PATH.split(delimiter)) {
    const path = join(directory, name);
    if ((await stat(path).catch(() => undefined))?.isFile() === true) return path;
  }
  throw new Error(`${name} is missing`);
}

async function endProcess(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.stdin?.end();
  child.kill("SIGTERM");
  await ended;
}

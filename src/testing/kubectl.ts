import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** What a run of kubectl printed, and its exit code. */
export interface KubectlResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** How to run kubectl once. */
export interface KubectlOptions {
  /** Text for its standard input (`-f -`). */
  readonly input?: string;
  /** Kills it after so many milliseconds; 60,000 by default. */
  readonly timeoutMs?: number;
}

/** The real kubectl, pinned by the project, with one kubeconfig and a home directory of its own. */
export interface Kubectl extends AsyncDisposable {
  /** Runs kubectl to its end, whatever its exit code. */
  run(args: readonly string[], options?: KubectlOptions): Promise<KubectlResult>;
  /** Runs kubectl and returns its standard output. Throws an `Error` that quotes what it printed where it fails. */
  ok(args: readonly string[], options?: KubectlOptions): Promise<string>;
  /** Runs kubectl with `-o json` and returns what it printed. */
  json<T>(args: readonly string[]): Promise<T>;
  /** Runs `kubectl create -f -` with one manifest; JSON is YAML too. */
  create(manifest: object | string): Promise<string>;
  /** Starts a kubectl that goes on, such as `get -w` or `logs -f`; disposing of it kills it. */
  start(args: readonly string[]): RunningKubectl;
}

/** A kubectl that goes on. */
export interface RunningKubectl extends AsyncDisposable {
  /** What it has printed on standard output so far. */
  output(): string;
  /** Resolves with its exit code when it ends by itself. */
  readonly ended: Promise<number>;
}

/** Where `tools/set-up` unpacks the pinned kubectl. */
export const KUBECTL_PATH: string = fileURLToPath(new URL("../../.cache/kubectl/kubectl", import.meta.url));

/** Returns kubectl for one kubeconfig. Throws an `Error` where the pinned kubectl has not been unpacked. */
export async function openKubectl(kubeconfigPath: string): Promise<Kubectl> {
  await access(KUBECTL_PATH).catch((cause: unknown) => {
    throw new Error(`Cannot run "${KUBECTL_PATH}": it is not there; run node tools/set-up.mjs`, { cause });
  });
  const home = await mkdtemp(join(tmpdir(), "berth-kubectl-"));
  const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: home, KUBECONFIG: kubeconfigPath };
  const run = (args: readonly string[], options: KubectlOptions = {}) => runToEnd(args, { env, ...options });
  const ok = async (args: readonly string[], options: KubectlOptions = {}): Promise<string> => {
    const result = await run(args, options);
    if (result.exitCode === 0) return result.stdout;
    throw new Error(`kubectl ${args.join(" ")}: exit code ${result.exitCode}\n${result.stdout}${result.stderr}`);
  };
  return {
    run,
    ok,
    json: async <T>(args: readonly string[]) => JSON.parse(await ok([...args, "-o", "json"])) as T,
    create: async (manifest) =>
      await ok(["create", "-f", "-"], { input: typeof manifest === "string" ? manifest : JSON.stringify(manifest) }),
    start: (args) => startKubectl(args, env),
    [Symbol.asyncDispose]: async () => await rm(home, { recursive: true, force: true }),
  };
}

/** Writes a manifest file into `directory` and returns its path. */
export async function writeManifest(directory: string, name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
}

interface RunOptions extends KubectlOptions {
  readonly env: NodeJS.ProcessEnv;
}

async function runToEnd(args: readonly string[], options: RunOptions): Promise<KubectlResult> {
  const child = spawn(KUBECTL_PATH, args, { env: options.env, timeout: options.timeoutMs ?? 60_000 });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  // A kubectl that refuses its arguments closes its input before all of it is written.
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  const exitCode = await exitCodeOf(child);
  return { stdout: stdout(), stderr: stderr(), exitCode };
}

function startKubectl(args: readonly string[], env: NodeJS.ProcessEnv): RunningKubectl {
  const child = spawn(KUBECTL_PATH, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  const output = collect(child.stdout);
  const ended = exitCodeOf(child);
  return {
    output,
    ended,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => (text += chunk));
  return () => text;
}

/** Resolves when the program ended and its output is complete; a signal counts as 128 + 9, as in a shell. */
async function exitCodeOf(child: ChildProcess): Promise<number> {
  const [code] = (await once(child, "close")) as [number | null];
  return code ?? 137;
}

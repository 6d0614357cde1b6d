import { closeSync, writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { Socket } from "node:net";

import { closeQuietly, openPipe } from "../base/process/posix-spawn.ts";
import { type SpawnedProcess, spawnDetached } from "../base/process/spawn-process.ts";
import { lastLoggedError, type OciRuntime, runtimeMessage } from "./oci-runtime.ts";
import type { Bundle, RuntimeDirectories } from "./runtime-directories.ts";
import { RuntimeError } from "./runtime-error.ts";

export interface ConmonRequest {
  readonly conmon: string;
  readonly runtime: OciRuntime;
  readonly directories: RuntimeDirectories;
  readonly bundle: Bundle;
  readonly id: string;
  /** Absolute path of the container's log, in CRI's format. */
  readonly logPath: string;
  readonly terminal: boolean;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
}

/** The pids of what holds a container and of the container. */
export interface ConmonResult {
  readonly conmonPid: number;
  readonly pid: number;
}

/** A conmon that waits, with nothing done yet, so that it can be moved into its cgroup and the bundle be finished. */
export interface WaitingConmon {
  readonly pid: number;
  /** Lets it create the container from the bundle. Throws `RuntimeError` (`CREATE_FAILED`) with the runtime's message. */
  create(): Promise<ConmonResult>;
  /** Ends it instead. */
  cancel(): Promise<void>;
}

/** Starts a conmon for a container. It outlives us. The bundle's and the log's directory must exist. */
export async function startConmon(request: ConmonRequest): Promise<WaitingConmon> {
  const sync = openPipe();
  const start = openPipe();
  let child: SpawnedProcess;
  try {
    child = await spawnDetached([request.conmon, ...conmonArguments(request)], {
      cwd: request.bundle.directory,
      env: { PATH: SYSTEM_PATH, _OCI_SYNCPIPE: "3", _OCI_STARTPIPE: "4" },
      fds: ["null", "null", "null", sync.write, start.read],
    });
  } catch (error) {
    closeQuietly(sync.read);
    closeQuietly(start.write);
    throw error;
  } finally {
    closeSync(sync.write);
    closeSync(start.read);
  }
  return {
    pid: child.pid,
    create: async () => {
      writeSync(start.write, "\0");
      closeSync(start.write);
      return await creationResult(request, sync.read);
    },
    cancel: async () => {
      child.kill("SIGKILL");
      closeSync(start.write);
      closeSync(sync.read);
      await child.exited;
    },
  };
}

const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const CREATE_TIMEOUT_MS = 120_000;

function conmonArguments(request: ConmonRequest): string[] {
  const { runtime, bundle, directories, id } = request;
  const runtimeArguments = [...runtime.globalArguments, "--log", bundle.runtimeLog, "--log-format", "json"];
  const options = {
    "api-version": "1",
    cid: id,
    cuuid: id,
    name: id,
    runtime: runtime.program,
    bundle: bundle.directory,
    "container-pidfile": bundle.pidFile,
    "conmon-pidfile": bundle.conmonPidFile,
    "log-path": `k8s-file:${request.logPath}`,
    "log-level": "error",
    "exit-dir": directories.exits,
    "persist-dir": bundle.directory,
    "socket-dir-path": directories.attach,
  };
  return [
    ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
    ...runtimeArguments.map((argument) => `--runtime-arg=${argument}`),
    "--no-sync-log",
    // The kernel allows root but a limited number of session keyrings.
    "--no-new-keyring",
    ...(request.terminal ? ["--terminal"] : []),
    ...(request.stdin ? ["--stdin"] : []),
    ...(request.stdin && !request.stdinOnce ? ["--leave-stdin-open"] : []),
  ];
}

/** Waits for conmon's word on the sync pipe: one JSON line with the container's pid, or why there is none. */
async function creationResult(request: ConmonRequest, fd: number): Promise<ConmonResult> {
  const line = await readLine(fd, CREATE_TIMEOUT_MS);
  const answer = parseAnswer(line);
  if (answer !== undefined && answer.data > 0) {
    const conmonPid = Number(await readFile(request.bundle.conmonPidFile, "utf8"));
    return { conmonPid, pid: answer.data };
  }
  const logged = await lastLoggedError(request.bundle.runtimeLog);
  const reason = logged ?? runtimeMessage(answer?.message ?? "conmon ended without saying why");
  throw new RuntimeError("CREATE_FAILED", `Cannot create "${request.id}": ${reason}`);
}

async function readLine(fd: number, timeoutMs: number): Promise<string> {
  const socket = new Socket({ fd, readable: true, writable: false });
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  let text = "";
  try {
    for await (const chunk of socket) {
      text += String(chunk);
      if (text.includes("\n") || text.length > MAX_ANSWER) break;
    }
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
  return text.slice(0, MAX_ANSWER);
}

const MAX_ANSWER = 64 * 1024;

function parseAnswer(line: string): { readonly data: number; readonly message?: string } | undefined {
  try {
    return JSON.parse(line) as { data: number; message?: string };
  } catch {
    return undefined;
  }
}

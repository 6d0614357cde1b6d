/**
 * Idle memory (PSS) of all processes of a cluster: supervisor, control, node. Without load, 20 seconds after the start; ten looks,
 * one a second. The bound is a Node process that does nothing. `-o json` prints every look.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";

import type { ClusterStatus } from "../src/instance/cluster-status.ts";
import { openBenchCluster } from "./bench-cluster.ts";
import { report, type Measurement } from "./measurement.ts";

const LOOKS = 10;

const pause = async (ms: number) => await new Promise((resolve) => setTimeout(resolve, ms));

await using cluster = await openBenchCluster("berth-bench-memory");
await cluster.up();
await pause(20_000);
const { pids } = JSON.parse(await cluster.berth("status", "-o", "json")) as ClusterStatus;
const roles = new Map(Object.entries(pids).map(([role, pid]) => [role, [pid, ...descendantsOf(pid)]]));
const runs = new Map<string, number[]>([...roles.keys()].map((role) => [role, []]));
for (let look = 0; look < LOOKS; look++) {
  for (const [role, ids] of roles) runs.get(role)?.push(sum(ids.map(pssOf)));
  await pause(1000);
}
report([...rows(), await bound()]);

function rows(): Measurement[] {
  const perRole = [...runs].map(([what, values]) => ({ what, state: "idle", unit: "MB" as const, runs: values }));
  const all = Array.from({ length: LOOKS }, (_, look) => sum(perRole.map((row) => row.runs[look] ?? 0)));
  return [...perRole, { what: "all", state: "idle", unit: "MB", runs: all }];
}

async function bound(): Promise<Measurement> {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"], { stdio: "ignore" });
  await once(child, "spawn");
  await pause(500);
  const size = pssOf(child.pid ?? 0);
  child.kill();
  return { what: "node -e (bound)", state: "idle", unit: "MB", runs: [size] };
}

/** Returns the proportional set size of a process in MB (10^6 bytes). */
function pssOf(pid: number): number {
  const match = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
  return (Number(match?.[1] ?? 0) * 1024) / 1e6;
}

/** Returns the children of a process and theirs, but for the roles, which are counted on their own. */
function descendantsOf(pid: number): number[] {
  const own = new Set(Object.values(pids));
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" "))
    .filter((text) => text !== "" && !own.has(Number(text)))
    .flatMap((text) => [Number(text), ...descendantsOf(Number(text))]);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/**
 * How long `berth up` takes until the API answers and the node is Ready: ten times on an empty data directory, ten times on one
 * that was used before. The bound is the start of one Node process that does nothing. `-o json` prints every run.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { openBenchCluster } from "./bench-cluster.ts";
import { report, timesOf } from "./measurement.ts";

const RUNS = 10;

await using cluster = await openBenchCluster("berth-bench-start");
const bound = await timesOf(RUNS, async () => void (await promisify(execFile)(process.execPath, ["-e", "0"])));
const cold = await timesOf(
  RUNS,
  async (index) => await cluster.up(`cold-${index}`),
  async (index) => await cluster.down(`cold-${index}`, "--purge"),
);
await cluster.up("data");
await cluster.down("data");
const warm = await timesOf(
  RUNS,
  async () => await cluster.up("data"),
  async () => await cluster.down("data"),
);
report([
  { what: "berth up", state: "empty data directory", unit: "ms", runs: cold },
  { what: "berth up", state: "used data directory", unit: "ms", runs: warm },
  { what: "node -e 0 (bound)", state: "warm", unit: "ms", runs: bound },
]);

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { DgramSocket } from "node-unix-socket";

import type { ClusterStatus } from "../../src/instance/cluster-status.ts";
import { LeakGuard } from "../../src/testing/leak-guard.ts";
import { openKubectl } from "../../src/testing/kubectl.ts";
import { requires } from "../../src/testing/requires.ts";
import { waitUntil } from "../../src/testing/wait-until.ts";
import { isRunning, killNow } from "./host-processes.ts";

const BERTH = fileURLToPath(new URL("../../bin/berth", import.meta.url));
// Not to be met by what an earlier run may have left.
const NAME = `cli-test-${process.pid}`;

/** A kubeconfig of somebody else's, with a comment. */
const FOREIGN = `# mine
apiVersion: v1
kind: Config
clusters: [{ name: work, cluster: { server: "https://work.example:6443" } }]
users: [{ name: work, user: {} }]
contexts: [{ name: work, context: { cluster: work, user: work } }]
current-context: work
`;

describe("the berth command", { skip: requires("root", "runc", "conmon", "nft") }, () => {
  let directory: string;
  let guard: LeakGuard;
  before(async () => {
    guard = await LeakGuard.open([NAME]);
    directory = await mkdtemp(join(tmpdir(), "cli-scenario-"));
  });
  after(async () => {
    await berth(["down", "--purge", "--name", NAME]);
    await rm(directory, { recursive: true, force: true });
  });

  const kubeconfig = () => join(directory, "kubeconfig");
  const start = (args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess =>
    spawn(process.execPath, [BERTH, ...args], { env: { ...process.env, KUBECONFIG: kubeconfig(), ...env } });
  const berth = async (args: readonly string[]) => await resultOf(start(args));
  const statusOf = async () =>
    JSON.parse((await berth(["status", "-o", "json", "--name", NAME])).stdout) as ClusterStatus;

  test("up, twice at once and once more, gives one ready cluster and its context beside the others", async () => {
    await writeFile(kubeconfig(), FOREIGN);
    const up = ["up", "--name", NAME, "--https-listen-port", "0"];
    const results = [...(await Promise.all([berth(up), berth(up)])), await berth(up)];
    assert.deepEqual(
      results.map((result) => [result.exitCode, result.stdout]),
      [
        [0, ""],
        [0, ""],
        [0, ""],
      ],
      results.map((result) => result.stderr).join("\n"),
    );
    assert.match(results[2]?.stderr ?? "", new RegExp(`runs already\\. kubectl now uses context "${NAME}"`));
    const status = await statusOf();
    assert.deepEqual([status.ready, Object.keys(status.pids)], [true, ["supervisor", "control", "node"]]);
    await using kubectl = await openKubectl(kubeconfig());
    const contexts = await kubectl.ok(["config", "get-contexts", "-o", "name"]);
    assert.deepEqual(contexts.trim().split("\n").toSorted(), [NAME, "work"]);
    assert.match(await kubectl.ok(["get", "nodes"]), / Ready /);
  });

  test("kubectl is run against the cluster and its exit code is passed on", async () => {
    const good = await berth(["kubectl", "--name", NAME, "get", "namespaces", "-o", "name"]);
    const bad = await berth(["kubectl", "--name", NAME, "get", "pod", "absent"]);
    assert.match(good.stdout, /^namespace\/default$/m);
    assert.deepEqual([bad.exitCode, bad.stderr], [1, 'Error from server (NotFound): pods "absent" not found\n']);
  });

  test("roles end with a supervisor that is killed, and up starts anew on the same data", async () => {
    await berth(["kubectl", "--name", NAME, "create", "configmap", "kept"]);
    const { pids } = await statusOf();
    killNow(pids.supervisor);
    await waitUntil("the roles have ended", () => ![pids.control, pids.node].some((pid) => isRunning(pid ?? 0)));
    assert.equal((await statusOf()).ready, false);
    assert.equal((await berth(["up", "--name", NAME])).exitCode, 0);
    const kept = await berth(["kubectl", "--name", NAME, "get", "configmap", "kept", "-o", "name"]);
    assert.equal(kept.stdout, "configmap/kept\n");
  });

  test("logs of all roles are shown in the order of time", async () => {
    const { stdout } = await berth(["logs", "--name", NAME, "-o", "json"]);
    const lines = stdout.trim().split("\n");
    const times = lines.map((line) => (JSON.parse(line) as { time: string }).time);
    assert.deepEqual(times, times.toSorted());
    assert.ok(lines.some((line) => line.includes('"msg":"cluster is ready"')));
  });

  test("server tells the service manager when it is ready and ends in order on SIGTERM", async (t) => {
    assert.equal((await berth(["down", "--name", NAME])).exitCode, 0);
    const socket = join(directory, "notify.sock");
    const told: string[] = [];
    const listener = new DgramSocket();
    listener.on("data", (message: Buffer) => told.push(message.toString()));
    listener.bind(socket);
    const server = start(["server", "--name", NAME], { NOTIFY_SOCKET: socket });
    t.after(() => server.kill("SIGKILL"));
    t.after(() => listener.close());
    const result = resultOf(server);
    await waitUntil("it is ready", () => told.some((line) => line.startsWith("READY=1")));
    assert.equal((await statusOf()).ready, true);
    server.kill("SIGTERM");
    assert.equal((await result).exitCode, 0, (await result).stderr);
    assert.deepEqual(
      told.map((line) => line.split("\n")[0]),
      ["READY=1", "STOPPING=1"],
    );
  });

  test("a port that another program has is named, and nothing keeps running", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = taken.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const { exitCode, stderr } = await berth(["up", "--name", NAME, "--https-listen-port", String(port)]);
    taken.close();
    assert.deepEqual([exitCode, (await statusOf()).pids], [1, {}]);
    assert.match(stderr, new RegExp(`^Cannot listen on port ${port}: another program does$`, "m"));
    assert.match(stderr, /--https-listen-port 0/);
  });

  test("a second data directory under the same name is another cluster", async () => {
    const other = ["--name", NAME, "--data-dir", join(directory, "other")];
    const flags = ["--no-node", "--https-listen-port", "0", "--write-kubeconfig", join(directory, "other.kubeconfig")];
    assert.equal((await berth(["up", ...other, ...flags])).exitCode, 0);
    assert.equal((await berth(["up", "--name", NAME, "--https-listen-port", "0"])).exitCode, 0);
    const both = [
      await statusOf(),
      JSON.parse((await berth(["status", "-o", "json", ...other])).stdout) as ClusterStatus,
    ];
    assert.equal(new Set(both.map((status) => status.server)).size, 2);
    assert.equal((await berth(["down", "--purge", ...other])).exitCode, 0);
    assert.equal((await statusOf()).ready, true);
  });

  test("down --purge leaves nothing, and the kubeconfig as it was", async () => {
    const { exitCode } = await berth(["down", "--purge", "--name", NAME]);
    assert.equal(exitCode, 0);
    const current = await readFile(kubeconfig(), "utf8");
    assert.match(current, /^# mine$/m);
    assert.match(current, /current-context: work/);
    assert.doesNotMatch(current, /cli-test/);
    assert.deepEqual(await guard.leaks(), []);
  });
});

interface Result {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

async function resultOf(child: ChildProcess): Promise<Result> {
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  if (child.stdout === null || child.stderr === null)
    throw new TypeError("Cannot read what the command says: no pipes");
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { stdout, stderr, exitCode };
}

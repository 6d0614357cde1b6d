import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";

import type { ClusterStatus } from "../instance/cluster-status.ts";
import { openInstance, type Instance } from "../instance/open-instance.ts";
import { askSupervisor, supervisorStatus } from "../instance/supervisor-connection.ts";
import { startSupervisor, type Supervisor } from "./supervisor.ts";

describe("startSupervisor", () => {
  test("runs both roles until they are ready and answers on its socket", async (t) => {
    const { supervisor, instance } = await start(t, ROLE);
    assert.equal(await supervisor.ready, undefined);
    const status = await supervisorStatus(instance.paths.supervisorSocket);
    assert.deepEqual(status, supervisor.status);
    assert.deepEqual([status?.ready, status?.phase], [true, "running"]);
    assert.deepEqual(Object.keys(status?.pids ?? {}), ["supervisor", "control", "node"]);
  });

  test("refuses a second one for the same data directory", async (t) => {
    const { instance } = await start(t, ROLE);
    const second = startSupervisor({ version: "1", instance, cluster: CLUSTER });
    await assert.rejects(second, { name: "DaemonError", code: "ALREADY_RUNNING" });
  });

  test("starts a killed role again, at once and without its failpoints", async (t) => {
    process.env["BERTH_FAILPOINTS"] = "test.point=off";
    const { supervisor, instance } = await start(t, ROLE);
    delete process.env["BERTH_FAILPOINTS"];
    await supervisor.ready;
    const before = supervisor.status.roles.node;
    const again = until(instance, (status) => status.ready && status.roles.node?.pid !== before?.pid);
    process.kill(before?.pid ?? 0, "SIGKILL");
    const status = await again;
    assert.equal(status.roles.node?.restarts, 1);
    const log = await readFile(join(instance.paths.logsDir, "node.log"), "utf8");
    assert.deepEqual(log.match(/failpoints=\S*/g), ["failpoints=test.point=off", "failpoints="]);
  });

  test("a role that fails later on is started anew, with its reason in the status until it is ready", async (t) => {
    const failing = ROLE.replace(
      "return {",
      `const { existsSync, writeFileSync } = await import("node:fs");
      const mark = context.config.paths.dataDir + "/failed";
      if (process.argv[1].endsWith("node.mjs") && !existsSync(mark)) {
        writeFileSync(mark, "");
        setTimeout(() => context.fail(new Error("the disk is gone")), 200);
      }
      return {`,
    );
    const { supervisor, instance } = await start(t, failing);
    await supervisor.ready;
    const failed = await until(instance, (status) => status.roles.node?.state === "failed");
    assert.equal(failed.roles.node?.error?.message, "the disk is gone");
    const again = await until(instance, (status) => status.ready);
    assert.deepEqual([again.roles.node?.restarts, again.roles.node?.error], [1, undefined]);
  });

  test("ends with the role's own error when the first start fails", async (t) => {
    const { supervisor } = await start(t, `throw Object.assign(new Error("no room"), { hint: "make some" });`);
    const failure = { message: "no room", hint: "make some" };
    assert.deepEqual(await supervisor.ready, failure);
    assert.deepEqual(await supervisor.ended, failure);
    assert.equal(supervisor.status.phase, "failed");
  });

  test("only the role that failed has an error, though the other becomes ready while it is to end", async (t) => {
    const { supervisor } = await start(
      t,
      `if (process.argv[1].endsWith("node.mjs")) throw new Error("bad settings");
      await new Promise((resolve) => setTimeout(resolve, 300));
      ${ROLE}`,
    );
    await supervisor.ended;
    const { control, node } = supervisor.status.roles;
    assert.deepEqual(
      [control?.state, control?.error, node?.error],
      ["stopped", undefined, { message: "bad settings" }],
    );
  });

  test("a role that crashes each time ends the start with what Node said", async (t) => {
    const { supervisor } = await start(
      t,
      `setTimeout(() => { throw new RangeError("out of luck"); }); await new Promise(() => {});`,
    );
    const failure = await supervisor.ready;
    assert.match(failure?.message ?? "", /^(control|node) ended \(exit code 1\): RangeError: out of luck$/);
  });

  test("a role that dies without a word before it is ready is tried again", async (t) => {
    const dieOnce = `const { existsSync, writeFileSync } = await import("node:fs");
      const mark = context.config.paths.dataDir + "/died";
      if (!existsSync(mark)) { writeFileSync(mark, ""); process.kill(process.pid, "SIGKILL"); await new Promise(() => {}); }
      ${ROLE}`;
    const { supervisor } = await start(t, dieOnce);
    assert.equal(await supervisor.ready, undefined);
  });

  test("down drains the node, then stops control, and the connection ends last", async (t) => {
    const { supervisor, instance } = await start(t, ROLE);
    await supervisor.ready;
    const answers = await askSupervisor(instance.paths.supervisorSocket, { command: "down" });
    const seen: ClusterStatus[] = [];
    for await (const status of answers ?? []) seen.push(status);
    await supervisor.ended;
    assert.deepEqual(states(seen.at(-1)), ["stopped", "stopped"]);
    assert.ok(seen.some((status) => states(status).join() === "ready,stopping"));
    assert.match(await readFile(join(instance.paths.logsDir, "node.log"), "utf8"), /drained/);
    assert.equal(await supervisorStatus(instance.paths.supervisorSocket), undefined);
  });

  test("a stop overtakes a drain that takes long", async (t) => {
    const { supervisor } = await start(
      t,
      ROLE.replace("drain: async () => {", "drain: async () => { await new Promise(() => {});"),
    );
    await supervisor.ready;
    supervisor.end("drain");
    supervisor.end("stop");
    assert.equal(await supervisor.ended, undefined);
  });
});

const CLUSTER = { node: true, admissionPlugins: [], verbosity: 0, hostCredentials: false } as const;

/** The body of a role that is ready when the API serves. */
const ROLE = `
  console.log("failpoints=" + (process.env.BERTH_FAILPOINTS ?? "none"));
  if (process.argv[1].endsWith("control.mjs")) context.report({ type: "serving" });
  else await context.serving;
  context.report({ type: "ready", detail: "all is well" });
  return { drain: async () => { console.log("drained"); }, close: async () => {} };`;

async function start(t: TestContext, role: string): Promise<{ supervisor: Supervisor; instance: Instance }> {
  const root = await mkdtemp(join(tmpdir(), "berth-supervisor-"));
  const directories = { dataRoot: join(root, "data"), runRoot: join(root, "run") };
  const instance = await openInstance({ name: "test", directories, apiPort: 0, kubeletPort: 0 });
  const library = JSON.stringify(new URL("role-process.ts", import.meta.url).href);
  for (const name of ["control", "node"]) {
    const program = `import { runRoleProcess } from ${library};
      await runRoleProcess("${name}", async (context) => { ${role} });`;
    await writeFile(join(root, `${name}.mjs`), program);
  }
  const entryOf = (name: string) => pathToFileURL(join(root, `${name}.mjs`));
  const supervisor = await startSupervisor({ version: "1", instance, cluster: CLUSTER, entryOf });
  t.after(async () => {
    supervisor.end("stop");
    await supervisor.ended;
    await rm(root, { recursive: true, force: true });
  });
  return { supervisor, instance };
}

async function until(instance: Instance, isDone: (status: ClusterStatus) => boolean): Promise<ClusterStatus> {
  const answers = await askSupervisor(instance.paths.supervisorSocket, { command: "watch" });
  for await (const status of answers ?? []) if (isDone(status)) return status;
  return assert.fail("the supervisor ended");
}

function states(status: ClusterStatus | undefined): unknown[] {
  return [status?.roles.control?.state, status?.roles.node?.state];
}

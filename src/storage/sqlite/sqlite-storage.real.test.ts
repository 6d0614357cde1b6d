import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { siblingModule } from "../../base/sibling-module.ts";
import { storageSuite } from "../storage.suite.ts";
import { openSqliteStorage } from "./sqlite-storage.ts";

let directory = "";
let files = 0;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "berth-sqlite-"));
});
after(async () => {
  await rm(directory, { recursive: true });
});

const newPath = () => join(directory, `${++files}.db`);

storageSuite("SqliteStorage", (options) => openSqliteStorage({ path: newPath(), ...options }));

test("everything is there after a restart: values, revisions, history and leases", async () => {
  const path = newPath();
  const value = Buffer.from("1");
  let old: number;
  {
    await using storage = await openSqliteStorage({ path });
    old = (await storage.txn({ compares: [], success: [{ kind: "put", key: "/a", value }], failure: [] })).revision;
    const lease = await storage.grantLease(0.3);
    await storage.txn({ compares: [], success: [{ kind: "put", key: "/a", value, lease }], failure: [] });
  }
  await using storage = await openSqliteStorage({ path });
  assert.equal(await storage.revision(), old + 1);
  assert.equal((await storage.range({ key: "/a", revision: old })).kvs[0]?.modRevision, old);
  const signal = AbortSignal.timeout(5000);
  for await (const { events } of storage.watch({ key: "/a", startRevision: old + 2 }, signal)) {
    assert.deepEqual(events, [{ type: "delete", key: "/a", modRevision: old + 2 }]);
    return;
  }
  assert.fail("the lease did not end");
});

test("a database of a newer program is refused with CORRUPT", async () => {
  const path = newPath();
  await (await openSqliteStorage({ path }))[Symbol.asyncDispose]();
  const database = new DatabaseSync(path);
  database.exec("UPDATE store SET schema_version = 99");
  database.close();
  await assert.rejects(openSqliteStorage({ path }), {
    name: "StorageError",
    code: "CORRUPT",
    message: /version is 99/,
  });
});

test("a file that is no database is refused with CORRUPT", async () => {
  await assert.rejects(openSqliteStorage({ path: import.meta.filename }), { name: "StorageError", code: "CORRUPT" });
});

test("nobody else can read the files of a store, nor open it meanwhile", async () => {
  const path = newPath();
  await using storage = await openSqliteStorage({ path });
  await storage.txn({ compares: [], success: [{ kind: "put", key: "/a", value: Buffer.from("1") }], failure: [] });
  for (const file of [path, `${path}-wal`]) assert.equal((await stat(file)).mode & 0o777, 0o600, file);
  const other = new DatabaseSync(path, { timeout: 0 });
  assert.throws(() => other.exec("SELECT * FROM store"), /locked/);
  other.close();
});

test("a directory that is missing is named", async () => {
  const path = join(directory, "missing", "x.db");
  await assert.rejects(openSqliteStorage({ path }), { name: "StorageError", code: "UNAVAILABLE", message: /missing/ });
});

test("what was acknowledged survives kill -9, at any point around the commit", async () => {
  const points = ["", "storage.before-commit=20*off->kill", "storage.after-commit=20*off->kill"];
  for (const failpoints of points) {
    const path = newPath();
    const acknowledged = await writeUntilKilled(path, failpoints);
    await using storage = await openSqliteStorage({ path });
    assert.ok(acknowledged.length > 0, `nothing was written with "${failpoints}"`);
    for (const [key, revision] of acknowledged) {
      const { kvs } = await storage.range({ key });
      assert.equal(kvs[0]?.modRevision, revision, `${key} with "${failpoints}"`);
    }
    assert.ok((await storage.revision()) >= Math.max(...acknowledged.map(([, revision]) => revision)));
  }
});

test("a full disk refuses the write with NO_SPACE and loses nothing", async () => {
  const path = newPath();
  const child = spawn(
    process.execPath,
    [siblingModule(import.meta.url, "storage-writer.fixture").pathname, path, "1"],
    {
      env: { ...process.env, BERTH_FAILPOINTS: "storage.before-commit=3*off->2*error(ENOSPC)" },
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length === 7) child.kill("SIGKILL");
  }
  const outcomes = lines.slice(0, 7).map((line) => line.split(" ")[0]);
  assert.deepEqual(outcomes, ["/k/0", "/k/1", "/k/2", "NO_SPACE", "NO_SPACE", "/k/5", "/k/6"]);
  await using storage = await openSqliteStorage({ path });
  const { kvs } = await storage.range({ key: "/k/", rangeEnd: "/k0" });
  assert.deepEqual(
    kvs.slice(0, 5).map((kv) => kv.key),
    ["/k/0", "/k/1", "/k/2", "/k/5", "/k/6"],
  );
});

async function writeUntilKilled(path: string, failpoints: string): Promise<[string, number][]> {
  const child = spawn(
    process.execPath,
    [siblingModule(import.meta.url, "storage-writer.fixture").pathname, path, "8"],
    {
      env: { ...process.env, BERTH_FAILPOINTS: failpoints },
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  const exit = once(child, "exit");
  const acknowledged: [string, number][] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const [key = "", revision = ""] = line.split(" ");
    acknowledged.push([key, Number(revision)]);
    if (failpoints === "" && acknowledged.length === 300) child.kill("SIGKILL");
  }
  assert.deepEqual(await exit, [null, "SIGKILL"]);
  return acknowledged;
}

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";

import { overlaps, parseCidr } from "./cidr.ts";
import type { HostDirectories } from "./host-directories.ts";
import { unregisterInstance } from "./host-instances.ts";
import { listHostRoutes } from "./host-routes.ts";
import { writeInstanceRecord } from "./instance-record.ts";
import { findInstance, openInstance } from "./open-instance.ts";

describe("openInstance", () => {
  test("a cluster keeps its record when it is opened again", async (t) => {
    const directories = await temporaryDirectories(t);
    const first = await openInstance({ name: "berth", directories });
    assert.equal(first.record.id, "berth");
    assert.deepEqual(await openInstance({ name: "berth", directories }), first);
    assert.deepEqual(await findInstance({ name: "berth", directories }), first);
  });

  test("clusters opened at once share no id, range or port, and none is routed by the host", async (t) => {
    const directories = await temporaryDirectories(t);
    const requests = ["a", "b", "c"].map((name) => ({ name, directories, apiPort: 0, kubeletPort: 0 }));
    const sameName = { name: "a", dataDir: join(directories.dataRoot, "elsewhere"), directories };
    const records = (await Promise.all([...requests, sameName].map(openInstance))).map((instance) => instance.record);
    assert.equal(new Set(records.map((record) => record.id)).size, 4);
    assert.equal(new Set(records.flatMap((record) => [record.apiPort, record.kubeletPort])).size, 8);
    const ranges = records.flatMap((record) => [parseCidr(record.podCidr), parseCidr(record.serviceCidr)]);
    const all = [...ranges, ...(await listHostRoutes())];
    for (const [index, range] of ranges.entries()) {
      assert.deepEqual(
        all.filter((other, at) => at !== index && overlaps(range, other)),
        [],
      );
    }
  });

  test("a cluster whose ranges were taken since gets new ones and keeps the rest", async (t) => {
    const directories = await temporaryDirectories(t);
    const { record, paths } = await openInstance({ name: "old", directories });
    const other = await openInstance({ name: "other", directories });
    await unregisterInstance(directories, other.record.id);
    await writeInstanceRecord(other.paths.dataDir, { ...other.record, podCidr: record.podCidr });
    const { record: renewed } = await openInstance({ name: "old", dataDir: paths.dataDir, directories });
    assert.notEqual(renewed.podCidr, record.podCidr);
    assert.deepEqual({ ...renewed, podCidr: "", serviceCidr: "" }, { ...record, podCidr: "", serviceCidr: "" });
  });

  test("a port that somebody listens on is not chosen", async (t) => {
    const directories = await temporaryDirectories(t);
    const { record } = await openInstance({ name: "first", directories });
    const server = createServer().listen(record.apiPort);
    t.after(() => server.close());
    await rm(join(directories.dataRoot, "first"), { recursive: true });
    const second = await openInstance({ name: "second", directories });
    assert.notEqual(second.record.apiPort, record.apiPort);
  });

  test("a name that is no RFC 1123 label is refused", async (t) => {
    const directories = await temporaryDirectories(t);
    for (const name of ["", "-a", "A", "a/b", "..", "a".repeat(41)]) {
      await assert.rejects(openInstance({ name, directories }), { name: "InstanceError", code: "INVALID_NAME" });
    }
  });
});

async function temporaryDirectories(t: TestContext): Promise<HostDirectories> {
  const root = await mkdtemp(join(tmpdir(), "berth-instance-"));
  t.after(async () => await rm(root, { recursive: true, force: true }));
  return { dataRoot: join(root, "data"), runRoot: join(root, "run") };
}

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { parse } from "yaml";
import { disposable } from "../base/disposable.ts";
import { Secret } from "../base/secret.ts";
import { KUBECTL_PATH } from "../testing/kubectl.ts";
import { lockKubeconfig } from "./kubeconfig-lock.ts";
import type { KubeconfigContext } from "./kubeconfig-context.ts";
import { mergeContext, removeContext, writeKubeconfig } from "./kubeconfig-file.ts";
import { userKubeconfig } from "./kubeconfig-location.ts";
import { loadKubeconfig } from "./kubeconfig.ts";

const run = promisify(execFile);

const BERTH: KubeconfigContext = {
  name: "berth",
  instance: "instance-1",
  server: "https://127.0.0.1:6443",
  ca: "the CA\n",
  cert: "the certificate\n",
  key: new Secret("the key\n"),
};

const FOREIGN = `# my clusters
apiVersion: v1
kind: Config
current-context: work
future-key: {kept: yes} # nobody knows it
clusters:
- name: work # the company's
  cluster:
    server: https://work.example
contexts:
- name: work
  context: {cluster: work, user: me, namespace: dev}
users:
- name: me
  user:
    token: abc
`;

test("a context merged into a new file is what kubectl then uses, and only the owner may read the file", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "new/config");
  await mergeContext({ path }, BERTH);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal(await kubectl(path, "config", "current-context"), "berth\n");
  const view = JSON.parse(await kubectl(path, "config", "view", "--raw", "-o", "json"));
  assert.equal(view.clusters[0].cluster.server, "https://127.0.0.1:6443");
  assert.equal(Buffer.from(view.users[0].user["client-key-data"], "base64").toString(), "the key\n");
});

test("merging keeps comments, unknown keys and the other contexts; removing restores the file", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "config");
  await writeFile(path, FOREIGN);
  await mergeContext({ path }, BERTH);
  const merged = await readFile(path, "utf8");
  for (const kept of ["# my clusters", "future-key: {", "# nobody knows it", "# the company's"])
    assert.ok(merged.includes(kept), kept);
  assert.equal(await kubectl(path, "config", "get-contexts", "-o", "name"), "berth\nwork\n");
  assert.equal(await removeContext({ path }, "berth", "instance-1"), true);
  assert.equal(await readFile(path, "utf8"), FOREIGN);
});

test("merging again keeps the context that was current before the first time", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "config");
  await writeFile(path, FOREIGN);
  await mergeContext({ path }, BERTH);
  await mergeContext({ path }, { ...BERTH, server: "https://127.0.0.1:7443" });
  assert.equal((await loadKubeconfig({ path })).config.server, "https://127.0.0.1:7443");
  await removeContext({ path }, "berth", "instance-1");
  assert.equal(await kubectl(path, "config", "current-context"), "work\n");
});

test("a context of the same name that another wrote is neither overwritten nor removed", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "config");
  await writeFile(path, FOREIGN);
  const before = await readFile(path, "utf8");
  await assert.rejects(mergeContext({ path }, { ...BERTH, name: "work" }), {
    name: "ClientError",
    code: "FOREIGN_CONTEXT",
  });
  assert.equal(await removeContext({ path }, "work", "instance-1"), false);
  assert.equal(await readFile(path, "utf8"), before);
  await mergeContext({ path }, BERTH);
  await assert.rejects(mergeContext({ path }, { ...BERTH, instance: "instance-2" }), { code: "FOREIGN_CONTEXT" });
  assert.equal(await removeContext({ path }, "berth", "instance-2"), false);
});

test("a file made for the context goes with it, one that was there stays", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "config");
  await mergeContext({ path }, BERTH);
  assert.equal(await removeContext({ path }, "berth", "instance-1"), true);
  assert.deepEqual(await readdir(directory.path), []);
  await writeFile(path, "");
  await mergeContext({ path }, BERTH);
  await removeContext({ path }, "berth", "instance-1");
  assert.deepEqual(await readdir(directory.path), ["config"]);
});

test("concurrent merges of several clusters all arrive", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "config");
  const names = ["a", "b", "c", "d", "e"];
  await Promise.all(names.map((name) => mergeContext({ path }, { ...BERTH, name })));
  const contexts = await kubectl(path, "config", "get-contexts", "-o", "name");
  assert.deepEqual(contexts.trim().split("\n").toSorted(), names);
  assert.deepEqual(await readdir(directory.path), ["config"]);
});

test("a lock that another program keeps gives KUBECONFIG_LOCKED, and a hint that names the file", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "config");
  await writeFile(`${path}.lock`, "");
  await assert.rejects(lockKubeconfig(path, 50), { code: "KUBECONFIG_LOCKED", hint: /config\.lock$/ });
});

test("a broken file gives KUBECONFIG_INVALID with the line, and quotes nothing of it", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "config");
  await writeFile(path, "users:\n- name: x\n  user: {token: hunter2\n  more: [");
  const error = await mergeContext({ path }, BERTH).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof Error);
  assert.match(error.message, /line \d+ is not valid YAML$/);
  assert.ok(!error.message.includes("hunter2"));
  await mkdir(join(directory.path, "list"));
  await writeFile(path, "- a\n");
  await assert.rejects(mergeContext({ path }, BERTH), { code: "KUBECONFIG_INVALID", message: /not a YAML mapping$/ });
});

test("a symbolic link stays one, and its target changes", async () => {
  await using directory = await temporaryDirectory();
  const [path, target] = [join(directory.path, "config"), join(directory.path, "target")];
  await writeFile(target, FOREIGN);
  await symlink("target", path);
  await mergeContext({ path }, BERTH);
  assert.match(await readFile(target, "utf8"), /name: berth/);
  assert.deepEqual((await readdir(directory.path)).toSorted(), ["config", "target"]);
});

const isRoot = process.geteuid?.() === 0;

test("under sudo the caller owns what is made, and an owner stays", { skip: !isRoot && "needs root" }, async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "sub/config");
  await mergeContext({ path, owner: { uid: 1234, gid: 2345 } }, BERTH);
  const { uid, gid } = await stat(path);
  assert.deepEqual([uid, gid, (await stat(join(directory.path, "sub"))).uid], [1234, 2345, 1234]);
  await chown(path, 99, 98);
  await chmod(path, 0o644);
  await mergeContext({ path }, { ...BERTH, name: "other" });
  const after = await stat(path);
  assert.deepEqual([after.uid, after.gid, after.mode & 0o777], [99, 98, 0o600]);
});

test("the user's file is the first of KUBECONFIG, else that of the home, under sudo of the caller's", async () => {
  assert.deepEqual(await userKubeconfig({ KUBECONFIG: ":/a:/b", HOME: "/h" }), { path: "/a" });
  assert.deepEqual(await userKubeconfig({ HOME: "/h" }), { path: "/h/.kube/config" });
  if (!isRoot) return;
  const sudo = await userKubeconfig({ HOME: "/root", SUDO_UID: "65534", SUDO_GID: "65534" });
  assert.deepEqual(sudo, { path: "/nonexistent/.kube/config", owner: { uid: 65534, gid: 65534 } });
});

test("of several files the first that has an entry wins, and paths are relative to their file", async () => {
  await using directory = await temporaryDirectory();
  const [a, b] = [join(directory.path, "a"), join(directory.path, "b")];
  await writeFile(a, FOREIGN);
  await writeFile(join(directory.path, "ca.pem"), "PEM");
  const cluster = { name: "work", cluster: { server: "https://second" } };
  const other = { name: "lab", cluster: { server: "https://lab", "certificate-authority": "ca.pem" } };
  const context = { name: "lab", context: { cluster: "lab", user: "me" } };
  await writeFile(b, JSON.stringify({ "current-context": "lab", clusters: [cluster, other], contexts: [context] }));
  const env = { KUBECONFIG: `${a}:${b}:${directory.path}/missing` };
  const work = await loadKubeconfig({ env });
  assert.deepEqual([work.name, work.namespace, work.config.server], ["work", "dev", "https://work.example"]);
  const lab = await loadKubeconfig({ env, context: "lab" });
  assert.deepEqual([lab.config.server, lab.config.ca, lab.namespace], ["https://lab", "PEM", undefined]);
  const { token } = lab.config;
  assert.ok(token instanceof Secret);
  assert.equal(token.reveal(), "abc");
});

test("what a kubeconfig lacks is named", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "config");
  await assert.rejects(loadKubeconfig({ path }), { code: "KUBECONFIG_INVALID", message: /there is no such file$/ });
  await writeFile(path, FOREIGN);
  await assert.rejects(loadKubeconfig({ path, context: "x" }), { message: /it has no context "x"$/ });
  await writeFile(path, FOREIGN.replace("user: me,", "user: you,"));
  await assert.rejects(loadKubeconfig({ path }), { message: /it has no user "you"$/ });
});

test("a kubeconfig of its own holds one context and replaces what was there", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "admin.conf");
  await writeFile(path, FOREIGN);
  await writeKubeconfig({ path }, BERTH);
  assert.equal(await kubectl(path, "config", "get-contexts", "-o", "name"), "berth\n");
  const { config } = await loadKubeconfig({ path });
  assert.deepEqual([config.ca, config.cert], ["the CA\n", "the certificate\n"]);
  await mergeContext({ path: `${path}.merged` }, BERTH);
  const [written, merged] = await Promise.all([path, `${path}.merged`].map((each) => readFile(each, "utf8")));
  assert.deepEqual(parse(written ?? ""), parse(merged ?? ""));
});

async function kubectl(kubeconfig: string, ...args: readonly string[]): Promise<string> {
  return (await run(KUBECTL_PATH, ["--kubeconfig", kubeconfig, ...args])).stdout;
}

async function temporaryDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "berth-kubeconfig-"));
  return { path, ...disposable(() => rm(path, { recursive: true, force: true })) };
}

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer, type TLSSocket } from "node:tls";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { openKeys } from "./cluster-keys.ts";
import { createAuthority, issueClientCertificate } from "./key-pair.ts";

const exec = promisify(execFile);

async function temporaryDirectory(context: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "berth-pki-"));
  context.after(() => rm(directory, { recursive: true }));
  return join(directory, "keys");
}

test("keys opened twice are the same", async (context) => {
  const directory = await temporaryDirectory(context);
  const first = await openKeys(directory, { node: { name: "vm" } });
  const second = await openKeys(directory, { node: { name: "vm" } });
  assert.deepEqual(second, first);
  assert.equal(second.admin.key.reveal(), first.admin.key.reveal());
  assert.equal(second.serviceAccount.privateKey.reveal(), first.serviceAccount.privateKey.reveal());
});

test("keys opened by two at once are the same", async (context) => {
  const directory = await temporaryDirectory(context);
  const [first, second] = await Promise.all([openKeys(directory), openKeys(directory)]);
  assert.deepEqual(second, first);
});

test("nobody else can read the keys", async (context) => {
  const directory = await temporaryDirectory(context);
  await openKeys(directory, { node: { name: "vm" } });
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
  const secret = (await readdir(directory)).filter((name) => name !== "ca.crt" && name !== "lock");
  assert.equal(secret.length, 9);
  for (const name of secret) assert.equal((await stat(join(directory, name))).mode & 0o777, 0o600, name);
});

test("a name to be added gives a new serving certificate and leaves the rest", async (context) => {
  const directory = await temporaryDirectory(context);
  const before = await openKeys(directory);
  const after = await openKeys(directory, { names: ["berth.example", "192.0.2.7", "2001:db8::7"] });
  assert.notEqual(after.serving.certificate, before.serving.certificate);
  assert.deepEqual([after.ca, after.admin], [before.ca, before.admin]);
  const { subjectAltName } = new X509Certificate(after.serving.certificate);
  for (const name of [
    "DNS:berth.example",
    "IP Address:192.0.2.7",
    "IP Address:2001:DB8:0:0:0:0:0:7",
    "IP Address:127.0.0.1",
  ]) {
    assert.ok(subjectAltName?.includes(name), `${name} in ${subjectAltName}`);
  }
});

test("a certificate of another authority is replaced", async (context) => {
  const directory = await temporaryDirectory(context);
  const before = await openKeys(directory);
  const stranger = await createAuthority("kubernetes");
  const foreign = await issueClientCertificate(stranger, {
    commonName: "kubernetes-admin",
    organizations: ["system:masters"],
  });
  await writeFile(join(directory, "admin.pem"), foreign.certificate + foreign.key.reveal());
  const { admin, ca } = await openKeys(directory);
  assert.equal(ca.certificate, before.ca.certificate);
  assert.notEqual(admin.certificate, foreign.certificate);
  assert.ok(new X509Certificate(admin.certificate).verify(new X509Certificate(ca.certificate).publicKey));
});

test("a renewed authority with the old key vouches for what was signed before", async () => {
  const old = await createAuthority("kubernetes");
  const leaf = await issueClientCertificate(old, { commonName: "someone" });
  const renewed = await createAuthority("kubernetes", old.key);
  assert.notEqual(renewed.certificate, old.certificate);
  assert.ok(new X509Certificate(leaf.certificate).verify(new X509Certificate(renewed.certificate).publicKey));
});

test("a damaged key file is refused by name, without its content", async (context) => {
  const directory = await temporaryDirectory(context);
  await openKeys(directory);
  const path = join(directory, "ca.pem");
  const text = await readFile(path, "utf8");
  await chmod(path, 0o600);
  await writeFile(path, text.slice(0, -100));
  await assert.rejects(openKeys(directory), (error: Error) => {
    assert.equal((error as Error & { code: string }).code, "UNREADABLE");
    assert.match(error.message, /ca\.pem/);
    assert.ok(!error.message.includes(text.slice(-200, -150)));
    return true;
  });
});

test("openssl finds every certificate in order", async (context) => {
  const directory = await temporaryDirectory(context);
  await openKeys(directory, { node: { name: "vm", names: ["10.0.0.1"] } });
  const verify = (purpose: string, name: string) =>
    exec("openssl", [
      "verify",
      "-x509_strict",
      "-CAfile",
      join(directory, "ca.crt"),
      "-purpose",
      purpose,
      join(directory, name),
    ]);
  await Promise.all([
    ...["admin.pem", "kubelet-client.pem", "scheduler.pem", "controller-manager.pem"].map((name) =>
      verify("sslclient", name),
    ),
    ...["apiserver.pem", "kubelet.pem"].map((name) => verify("sslserver", name)),
  ]);
  await assert.rejects(verify("sslserver", "admin.pem"));
  const { stdout } = await exec("openssl", [
    "x509",
    "-noout",
    "-subject",
    "-in",
    join(directory, "kubelet-client.pem"),
  ]);
  assert.equal(stdout.trim(), "subject=O = system:nodes, CN = system:node:vm");
});

test("keys that are there are opened without the library that makes certificates", async (context) => {
  const directory = await temporaryDirectory(context);
  const script = `
    import { createRequire } from "node:module";
    import { openKeys } from ${JSON.stringify(import.meta.resolve("./cluster-keys.ts"))};
    await openKeys(${JSON.stringify(directory)});
    console.log(Object.keys(createRequire("file:///").cache).some((path) => path.includes("@peculiar/x509")));`;
  const open = async () => (await exec(process.execPath, ["--input-type=module", "-e", script])).stdout.trim();
  assert.deepEqual([await open(), await open()], ["true", "false"]);
});

test("a name that looks like an encoding is taken as it is", async () => {
  const ca = await createAuthority("kubernetes");
  const { certificate } = await issueClientCertificate(ca, { commonName: "#0c0141", organizations: ["a,O=b"] });
  assert.deepEqual({ ...new X509Certificate(certificate).toLegacyObject().subject }, { O: "a,O=b", CN: "#0c0141" });
});

test("server and client prove themselves to each other over TLS", async (context) => {
  const keys = await openKeys(await temporaryDirectory(context));
  const ca = keys.ca.certificate;
  const server = createServer({
    cert: keys.serving.certificate,
    key: keys.serving.key.reveal(),
    ca,
    requestCert: true,
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const connection = once(server, "secureConnection");
  const client = connect({ port, host: "127.0.0.1", ca, cert: keys.admin.certificate, key: keys.admin.key.reveal() });
  await once(client, "secureConnect");
  const [socket] = (await connection) as [TLSSocket];
  const { subject } = socket.getPeerCertificate();
  assert.deepEqual(
    [client.authorized, socket.authorized, { ...subject }],
    [true, true, { O: "system:masters", CN: "kubernetes-admin" }],
  );
  client.destroy();
  socket.destroy();
  server.close();
});

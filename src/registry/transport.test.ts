import assert from "node:assert/strict";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { test } from "node:test";

import "reflect-metadata";
import { PemConverter, X509CertificateGenerator } from "@peculiar/x509";

import { Secret } from "../base/secret.ts";
import { parseReference } from "../oci/reference.ts";
import { createRegistryClient } from "./registry-client.ts";
import { createTransport, type TransportOptions } from "./transport.ts";

interface TlsSite extends AsyncDisposable {
  readonly host: string;
  readonly certificate: string;
  readonly seen: string[];
}

async function tlsSite(): Promise<TlsSite> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const { SubjectAlternativeNameExtension } = await import("@peculiar/x509");
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=registry",
    keys,
    signingAlgorithm: algorithm,
    extensions: [new SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }])],
  });
  const key = PemConverter.encode(await crypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY");
  const seen: string[] = [];
  const server: Server = createServer({ key, cert: certificate.toString("pem") }, (request, response) => {
    seen.push(`${request.method} ${request.headers.authorization ?? "-"}`);
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    certificate: certificate.toString("pem"),
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function resolve(name: string, options: TransportOptions = {}): Promise<void> {
  await using transport = createTransport(options);
  const credential = { kind: "basic", username: "alice", password: new Secret("s3cret") } as const;
  const reference = parseReference(name);
  await createRegistryClient({ transport }).openRepository({ reference, credential }).resolve();
}

test("a certificate that is not trusted ends the pull: no fall-back to HTTP, no credential", async () => {
  await using site = await tlsSite();
  await assert.rejects(resolve(`${site.host}/a:1`), { name: "RegistryError", code: "TLS_FAILURE" });
  assert.deepEqual(site.seen, []);
});

test("a certificate authority that was added is trusted", async () => {
  await using site = await tlsSite();
  await assert.rejects(resolve(`${site.host}/a:1`, { ca: [site.certificate] }), { code: "MANIFEST_UNKNOWN" });
  assert.deepEqual(site.seen, ["HEAD -", "GET -"]);
});

test("a name that cannot be resolved and an address that may not be reached are told apart", async () => {
  await assert.rejects(resolve("nowhere.invalid/a:1"), { code: "DNS_FAILURE" });
  await using transport = createTransport();
  for (const host of ["169.254.169.254", "127.0.0.1", "[::1]", "0.0.0.0", "localhost", "[fd00:ec2::254]"]) {
    const url = new URL(`http://${host}:9/x`);
    await assert.rejects(
      transport.send({ method: "GET", url, headers: {}, address: "remote" }),
      { code: "REDIRECT_REFUSED" },
      host,
    );
  }
});

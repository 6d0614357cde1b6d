import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { createAuthority, issueClientCertificate, issueServingCertificate } from "../../src/pki/key-pair.ts";
import { openRegistryHosts } from "../../src/registry/hosts/registry-hosts.ts";
import { buildBusyboxImage } from "../../src/testing/busybox-image.ts";
import { debianProgram } from "../../src/testing/debian-program.ts";
import { startDockerRegistry } from "../../src/testing/docker-registry.ts";
import { openRegistrySimulator, type RegistrySimulator } from "../../src/testing/registry-simulator.ts";
import { requires } from "../../src/testing/requires.ts";
import { createRegistryClient } from "../../src/registry/registry-client.ts";
import { pushBlob, pushManifest } from "../../src/registry/push.ts";
import { createTransport } from "../../src/registry/transport.ts";
import { parseReference } from "../../src/oci/reference.ts";
import { BASIC, BLOB, fetchLayer, honest, meet, SECRET } from "./registry-fixture.ts";

const IMAGE = "registry.example/team/app:1";

describe("TLS of registries", () => {
  let simulator: RegistrySimulator;
  let directory: string;
  before(async () => {
    simulator = await openRegistrySimulator(["registry.example", "storage.test"]);
    directory = await mkdtemp(join(tmpdir(), "berth-tls-"));
    await mkdir(join(directory, "certs.d/registry.example"), { recursive: true });
    await writeFile(join(directory, "ca.pem"), simulator.ca);
    const client = await issueClientCertificate(await createAuthority("clients"), { commonName: "node-7" });
    await writeFile(join(directory, "client.cert"), client.certificate);
    await writeFile(join(directory, "client.key"), client.key.reveal());
  });
  after(async () => {
    await simulator[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  const openWith = async (file: "registries.yaml" | "hosts.toml", text: string) => {
    const isYaml = file === "registries.yaml";
    await writeFile(join(directory, isYaml ? file : join("certs.d/registry.example", file)), text);
    const registries = openRegistryHosts({
      registriesFiles: isYaml ? [join(directory, file)] : [],
      certsDirectories: isYaml ? [] : [join(directory, "certs.d")],
    });
    // The simulator's authority is known from the files alone.
    const met = meet(simulator, IMAGE, { ca: [], hosts: registries.hosts });
    return { ...met, [Symbol.asyncDispose]: () => met.transport[Symbol.asyncDispose]() };
  };

  test("an authority that nobody named is not trusted, and nothing is sent to it", async () => {
    simulator.play({ "registry.example": honest });
    await using met = await openWith("registries.yaml", "mirrors: {}");
    await assert.rejects(met.repository.resolve(), { code: "TLS_FAILURE" });
    assert.deepEqual(simulator.seen, []);
  });

  const TRUSTING: readonly (readonly [name: string, file: "registries.yaml" | "hosts.toml", text: string])[] = [
    ["ca_file", "registries.yaml", "configs: {registry.example: {tls: {ca_file: ca.pem}}}"],
    ["ca_file for all", "registries.yaml", 'configs: {"*": {tls: {ca_file: ca.pem}}}'],
    ["insecure_skip_verify", "registries.yaml", "configs: {registry.example: {tls: {insecure_skip_verify: true}}}"],
    ["ca", "hosts.toml", 'server = "https://registry.example"\nca = "../../ca.pem"'],
    ["skip_verify", "hosts.toml", '[host."https://registry.example"]\nskip_verify = true'],
  ];
  for (const [name, file, text] of TRUSTING) {
    test(`a registry is trusted by ${name} of ${file}`, async () => {
      simulator.play({ "registry.example": honest });
      await using met = await openWith(file, text);
      await met.repository.resolve();
    });
  }

  test("a client certificate and headers are for their host, not for where it redirects to", async () => {
    simulator.play({
      "registry.example": (request) => {
        if (request.client !== "node-7") return { status: 403 };
        return request.path.includes("/blobs/")
          ? { status: 307, headers: { location: "https://storage.test/blob" } }
          : honest(request);
      },
      "storage.test": () => ({ body: BLOB }),
    });
    const host =
      '[host."https://registry.example"]\nca = "../../ca.pem"\nclient = [["../../client.cert", "../../client.key"]]';
    await using met = await openWith("hosts.toml", `${host}\nheader = { x-key = "header-canary" }`);
    await met.repository.resolve();
    assert.ok((await fetchLayer(met.repository)).equals(BLOB));
    const seen = simulator.seen.map(({ host, client, headers }) => `${host} ${client} ${String(headers["x-key"])}`);
    assert.deepEqual([...new Set(seen)], ["registry.example node-7 header-canary", "storage.test undefined undefined"]);
  });
});

test(
  "an image goes to Docker's registry and back over TLS with a password",
  { skip: requires("docker-registry", "busybox-static") },
  async () => {
    const authority = await createAuthority("registry authority");
    const tls = await issueServingCertificate(authority, { commonName: "registry", names: ["127.0.0.1"] });
    const binary = debianProgram("docker-registry", "usr/bin/docker-registry");
    await using registry = await startDockerRegistry({ binary, users: { alice: SECRET }, tls });
    await using transport = createTransport({ ca: [authority.certificate] });
    const client = createRegistryClient({ transport });
    const access = { reference: parseReference(`${registry.host}/team/app:v1`), credential: BASIC };
    const image = await buildBusyboxImage();
    for (const [digest, bytes] of image.blobs) {
      const source = (offset: number) => once(bytes.subarray(offset));
      await pushBlob(client, access, { mediaType: "application/octet-stream", digest, size: bytes.length }, source);
    }
    for (const { descriptor, bytes } of image.manifests) {
      await pushManifest(client, access, descriptor.digest, descriptor.mediaType, bytes);
      await pushManifest(client, access, "v1", descriptor.mediaType, bytes);
    }
    const repository = client.openRepository(access);
    assert.equal((await repository.resolve()).descriptor.digest, image.descriptor.digest);
    for (const [digest, bytes] of image.blobs) {
      const chunks: Uint8Array[] = [];
      const descriptor = { mediaType: "application/octet-stream", digest, size: bytes.length };
      for await (const chunk of repository.fetchBlob(descriptor, 0)) chunks.push(chunk);
      assert.ok(Buffer.concat(chunks).equals(bytes));
    }
  },
);

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(bytes);
}

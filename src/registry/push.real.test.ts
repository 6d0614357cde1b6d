import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";

import { Secret } from "../base/secret.ts";
import { type Descriptor } from "../oci/descriptor.ts";
import { digestOf } from "../oci/digest.ts";
import { MEDIA_TYPES } from "../oci/media-type.ts";
import { parseReference } from "../oci/reference.ts";
import { debianProgram } from "../testing/debian-program.ts";
import { startDockerRegistry } from "../testing/docker-registry.ts";
import type { RepositoryAccess } from "./endpoint-sender.ts";
import { pushBlob, pushManifest } from "./push.ts";
import { createRegistryClient } from "./registry-client.ts";
import { createTransport } from "./transport.ts";

const BLOB = Buffer.from("0123456789".repeat(300_000));
const DESCRIPTOR: Descriptor = { mediaType: MEDIA_TYPES.ociLayer, digest: digestOf(BLOB), size: BLOB.length };
const credential = { kind: "basic", username: "alice", password: new Secret("s3cret") } as const;

async function* bytesFrom(offset: number): AsyncIterable<Uint8Array> {
  for (let at = offset; at < BLOB.length; at += 65_536) yield await Promise.resolve(BLOB.subarray(at, at + 65_536));
}

function accessTo(name: string): RepositoryAccess & { readonly lines: string[] } {
  const lines: string[] = [];
  const onRequest = ({ method, url, status }: { method: string; url: string; status?: number }) => {
    lines.push(`${method} ${new URL(url).pathname.replace(/uploads\/.+/, "uploads/ID")} ${status ?? "-"}`);
  };
  return { reference: parseReference(name), credential, onRequest, lines };
}

test("an image is pushed to Docker's registry, its blobs mounted across repositories, and pulled again", async () => {
  const binary = debianProgram("docker-registry", "usr/bin/docker-registry");
  await using registry = await startDockerRegistry({ binary, users: { alice: "s3cret" } });
  await using transport = createTransport();
  const client = createRegistryClient({ transport });
  const first = accessTo(`${registry.host}/team/app:v1`);
  assert.equal(await pushBlob(client, first, DESCRIPTOR, bytesFrom), "uploaded");
  assert.equal(await pushBlob(client, first, DESCRIPTOR, bytesFrom), "present");
  const second = accessTo(`${registry.host}/team/other:v1`);
  assert.equal(await pushBlob(client, second, DESCRIPTOR, bytesFrom, { mountFrom: "team/app" }), "mounted");
  const third = accessTo(`${registry.host}/team/third:v1`);
  assert.equal(await pushBlob(client, third, DESCRIPTOR, bytesFrom, { mountFrom: "team/nowhere" }), "uploaded");

  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      config: { ...DESCRIPTOR, mediaType: MEDIA_TYPES.ociConfig },
      layers: [DESCRIPTOR],
    }),
  );
  await pushManifest(client, first, "v1", MEDIA_TYPES.ociManifest, manifest);
  const repository = client.openRepository(first);
  assert.equal((await repository.resolve()).descriptor.digest, digestOf(manifest));
  const chunks: Uint8Array[] = [];
  for await (const chunk of repository.fetchBlob(DESCRIPTOR, 0)) chunks.push(chunk);
  assert.deepEqual(Buffer.concat(chunks), BLOB);
});

test("a manifest whose blobs are missing is refused, and so is a blob that is not what its digest says", async () => {
  const binary = debianProgram("docker-registry", "usr/bin/docker-registry");
  await using registry = await startDockerRegistry({ binary });
  await using transport = createTransport();
  const client = createRegistryClient({ transport });
  const access = accessTo(`${registry.host}/a:1`);
  const layer = { ...DESCRIPTOR, digest: digestOf(Buffer.from("other")) };
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config: layer, layers: [layer] };
  await assert.rejects(
    pushManifest(client, access, "1", MEDIA_TYPES.ociManifest, Buffer.from(JSON.stringify(manifest))),
    { name: "RegistryError", code: "UPLOAD_REFUSED", message: /blob unknown/ },
  );
  await assert.rejects(pushBlob(client, access, layer, bytesFrom), { code: "UPLOAD_REFUSED" });
});

test("an upload that breaks goes on at the byte that the registry has", async () => {
  const received: Buffer[] = [];
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.headers["content-range"] ?? ""}`.trim());
    const location = "/v2/a/blobs/uploads/1?state=x";
    const length = () => Buffer.concat(received).length;
    if (request.method === "HEAD") response.writeHead(404).end();
    else if (request.method === "POST") response.writeHead(202, { location }).end();
    else if (request.method === "GET") response.writeHead(204, { location, range: `0-${length() - 1}` }).end();
    else {
      const isBroken = seen.length < 4;
      request.on("data", (chunk: Buffer) => {
        received.push(chunk);
        if (isBroken && length() > 1_000_000) request.destroy();
      });
      request.on("end", () => response.writeHead(request.method === "PUT" ? 201 : 202, { location }).end());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await using transport = createTransport();
  const access = accessTo(`127.0.0.1:${(server.address() as AddressInfo).port}/a:1`);
  assert.equal(await pushBlob(createRegistryClient({ transport }), access, DESCRIPTOR, bytesFrom), "uploaded");
  assert.ok(Buffer.concat(received).equals(BLOB));
  assert.deepEqual(
    seen.map((line) => line.replace(/ \d+-/, " N-")),
    ["HEAD", "POST", "PUT", "GET", `PATCH N-${BLOB.length - 1}`, "PUT"],
  );
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

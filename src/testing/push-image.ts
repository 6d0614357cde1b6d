import type { Digest } from "../oci/digest.ts";
import type { BuiltImage } from "./image-builder.ts";

export interface PushDestination {
  /** `host:port` of a registry that speaks plain HTTP. */
  readonly host: string;
  readonly repository: string;
  readonly tag: string;
  /** For Basic authentication. */
  readonly username?: string;
  readonly password?: string;
}

/** Pushes an image by the distribution API, in place of one of the same tag. Throws an `Error` that tells what the registry said. */
export async function pushImage(image: BuiltImage, destination: PushDestination): Promise<void> {
  for (const [digest, bytes] of image.blobs) await pushBlob(destination, digest, bytes);
  for (const { descriptor, bytes } of image.manifests) {
    const isTagged = descriptor.digest === image.descriptor.digest;
    const name = isTagged ? destination.tag : descriptor.digest;
    const path = `/v2/${destination.repository}/manifests/${name}`;
    await call(destination, { method: "PUT", path, body: bytes, contentType: descriptor.mediaType });
  }
}

async function pushBlob(destination: PushDestination, digest: Digest, bytes: Uint8Array): Promise<void> {
  const started = await call(destination, { method: "POST", path: `/v2/${destination.repository}/blobs/uploads/` });
  const location = new URL(started.headers.get("location") ?? "", `http://${destination.host}`);
  location.searchParams.set("digest", digest);
  const path = location.pathname + location.search;
  await call(destination, { method: "PUT", path, body: bytes, contentType: "application/octet-stream" });
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: Uint8Array;
  readonly contentType?: string;
}

async function call(destination: PushDestination, { method, path, body, contentType }: Call): Promise<Response> {
  const { host, username, password } = destination;
  const headers = new Headers(contentType === undefined ? {} : { "content-type": contentType });
  if (username !== undefined) {
    headers.set("authorization", `Basic ${Buffer.from(`${username}:${password ?? ""}`).toString("base64")}`);
  }
  const content = body === undefined ? {} : { body: Buffer.from(body) };
  const answer = await fetch(`http://${host}${path}`, { method, headers, ...content });
  const text = await answer.text();
  if (answer.ok) return answer;
  throw new Error(`Cannot push to "${host}": ${method} ${path} got ${answer.status} ${text.slice(0, 256)}`);
}

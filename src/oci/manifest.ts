import { type Descriptor, readDescriptor } from "./descriptor.ts";
import { JsonReader } from "./json-reader.ts";
import { isIndexMediaType, isManifestMediaType, isSchema1MediaType, MEDIA_TYPES } from "./media-type.ts";
import { OciError } from "./oci-error.ts";
import { parseStrictJson } from "./strict-json.ts";

/** An image manifest: a config and the layers, lowest first. */
export interface Manifest {
  readonly kind: "manifest";
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** An image index (Docker: manifest list): one manifest for each platform. */
export interface Index {
  readonly kind: "index";
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
}

const MAX_LAYERS = 500;
const MAX_MANIFESTS = 1000;
const KNOWN_FIELDS = ["schemaVersion", "mediaType", "config", "layers", "manifests", "fsLayers"];

/**
 * Parses a manifest or index. `mediaType` is what its descriptor or `Content-Type` said, empty when that said nothing.
 * Throws `OciError`: `MANIFEST_INVALID` for a document that is malformed, or that two readers could take for different
 * kinds (CVE-2021-41190); `MANIFEST_UNSUPPORTED` for schema 1 and for kinds that are no image.
 */
export function parseManifest(bytes: Uint8Array, mediaType = ""): Manifest | Index {
  const reader = new JsonReader(parseStrictJson(bytes), "MANIFEST_INVALID", "manifest");
  reader.rejectCaseVariantsOf(KNOWN_FIELDS);
  refuseSchema1(reader, mediaType);
  const kind = kindOf(reader, mediaType);
  return isIndexMediaType(kind) ? readIndex(reader, kind) : readManifest(reader, kind);
}

function refuseSchema1(reader: JsonReader, mediaType: string): void {
  if (!reader.has("fsLayers") && !isSchema1MediaType(mediaType)) return;
  throw new OciError("MANIFEST_UNSUPPORTED", "Cannot read the manifest: Docker schema 1 images are not supported", {
    hint: "Push the image again with a current tool: schema 1 was replaced in 2016.",
  });
}

function kindOf(reader: JsonReader, header: string): string {
  const named = reader.optionalString("mediaType") ?? "";
  const declared = isIndexMediaType(header) || isManifestMediaType(header) ? header : "";
  if (named !== "" && declared !== "" && named !== declared) {
    throw reader.fault("names another media type than it was served with");
  }
  const kind = named === "" ? declared : named;
  if (kind !== "" && !isIndexMediaType(kind) && !isManifestMediaType(kind)) {
    throw new OciError("MANIFEST_UNSUPPORTED", `Cannot read the manifest: media type ${quote(kind)} is not supported`);
  }
  if (kind !== "") return kind;
  return reader.has("manifests") ? MEDIA_TYPES.ociIndex : MEDIA_TYPES.ociManifest;
}

function readIndex(reader: JsonReader, mediaType: string): Index {
  checkSchemaVersion(reader);
  if (reader.has("config") || reader.has("layers")) throw reader.fault("is an index but has fields of a manifest");
  return { kind: "index", mediaType, manifests: reader.objects("manifests", MAX_MANIFESTS).map(readDescriptor) };
}

function readManifest(reader: JsonReader, mediaType: string): Manifest {
  checkSchemaVersion(reader);
  if (reader.has("manifests")) throw reader.fault("is a manifest but has fields of an index");
  return {
    kind: "manifest",
    mediaType,
    config: readDescriptor(reader.object("config")),
    layers: reader.objects("layers", MAX_LAYERS).map(readDescriptor),
  };
}

function checkSchemaVersion(reader: JsonReader): void {
  if (reader.count("schemaVersion") !== 2) throw reader.fault("has another schemaVersion than 2");
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 128));
}

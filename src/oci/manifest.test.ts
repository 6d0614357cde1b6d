import assert from "node:assert/strict";
import { test } from "node:test";

import { chainIdsOf } from "./chain-id.ts";
import { digestOf } from "./digest.ts";
import { parseImageConfig } from "./image-config.ts";
import { parseManifest } from "./manifest.ts";
import { MEDIA_TYPES } from "./media-type.ts";
import { matchPlatforms } from "./platform.ts";

const DIGEST = digestOf(Buffer.from("x"));
const descriptor = { mediaType: MEDIA_TYPES.ociLayerGzip, digest: DIGEST, size: 1 };
const manifest = {
  schemaVersion: 2,
  mediaType: MEDIA_TYPES.ociManifest,
  config: { mediaType: MEDIA_TYPES.ociConfig, digest: DIGEST, size: 1 },
  layers: [descriptor],
};
const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [descriptor] };
const parse = (document: object, mediaType = "") => parseManifest(Buffer.from(JSON.stringify(document)), mediaType);

test("a manifest and an index are read, with or without media types", () => {
  const { mediaType: _, ...bareManifest } = manifest;
  const { mediaType: __, ...bareIndex } = index;
  assert.equal(parse(manifest).kind, "manifest");
  assert.equal(parse(bareManifest, MEDIA_TYPES.dockerManifest).mediaType, MEDIA_TYPES.dockerManifest);
  assert.equal(parse(bareManifest, "text/plain").kind, "manifest");
  assert.equal(parse(bareIndex).kind, "index");
});

const hybrids: readonly (readonly [string, object, string, string])[] = [
  ["a manifest with manifests", { ...manifest, manifests: [] }, "", "MANIFEST_INVALID"],
  ["an index with layers", { ...index, layers: [] }, "", "MANIFEST_INVALID"],
  ["an index with a config", { ...index, config: descriptor }, "", "MANIFEST_INVALID"],
  ["a manifest served as an index", manifest, MEDIA_TYPES.ociIndex, "MANIFEST_INVALID"],
  ["an index served as a manifest", index, MEDIA_TYPES.dockerManifest, "MANIFEST_INVALID"],
  ["a manifest with fsLayers", { ...manifest, fsLayers: [] }, "", "MANIFEST_UNSUPPORTED"],
  ["schema 1 by its type", manifest, MEDIA_TYPES.dockerSchema1Signed, "MANIFEST_UNSUPPORTED"],
  [
    "another kind",
    { schemaVersion: 2, mediaType: "application/vnd.oci.artifact.manifest.v1+json" },
    "",
    "MANIFEST_UNSUPPORTED",
  ],
  ["schemaVersion 1", { ...manifest, schemaVersion: 1 }, "", "MANIFEST_INVALID"],
  ["Layers in another case", { ...manifest, Layers: [] }, "", "MANIFEST_INVALID"],
  ["a size below zero", { ...manifest, layers: [{ ...descriptor, size: -1 }] }, "", "MANIFEST_INVALID"],
  ["a fractional size", { ...manifest, layers: [{ ...descriptor, size: 1.5 }] }, "", "MANIFEST_INVALID"],
  [
    "a digest that is a path",
    { ...manifest, layers: [{ ...descriptor, digest: "sha256:../../etc" }] },
    "",
    "MANIFEST_INVALID",
  ],
  ["501 layers", { ...manifest, layers: Array.from({ length: 501 }, () => descriptor) }, "", "MANIFEST_INVALID"],
  ["layers that are no list", { ...manifest, layers: {} }, "", "MANIFEST_INVALID"],
  ["no config", { schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, layers: [] }, "", "MANIFEST_INVALID"],
];

for (const [what, document, mediaType, code] of hybrids) {
  test(`a document is refused: ${what}`, () => {
    assert.throws(() => parse(document, mediaType), { name: "OciError", code });
  });
}

const config = {
  os: "linux",
  architecture: "amd64",
  rootfs: { type: "layers", diff_ids: [DIGEST] },
  history: [{ created_by: "a" }, { empty_layer: true }],
  config: { Env: ["A=b"], Cmd: null, Volumes: { "/data": {} }, User: "1000", Labels: { a: "b" } },
};
const parseConfig = (document: object) => parseImageConfig(Buffer.from(JSON.stringify(document)));

test("an image config is read with null lists as empty ones", () => {
  const { config: defaults, diffIds } = parseConfig(config);
  assert.deepEqual(diffIds, [DIGEST]);
  assert.deepEqual(
    { ...defaults, labels: { ...defaults.labels } },
    {
      user: "1000",
      env: ["A=b"],
      entrypoint: [],
      cmd: [],
      workingDir: "",
      volumes: ["/data"],
      exposedPorts: [],
      labels: { a: "b" },
    },
  );
});

test("an image config with lies is refused", () => {
  const lies = [
    { ...config, history: [{}, {}] },
    { ...config, rootfs: { type: "layers", diff_ids: ["sha256:00"] } },
    { ...config, rootfs: { type: "other", diff_ids: [] } },
    { ...config, config: { Env: [1] } },
    { ...config, config: { Cmd: ["a\0b"] } },
    { ...config, config: { user: "root" } },
    {},
  ];
  for (const lie of lies) assert.throws(() => parseConfig(lie), { code: "CONFIG_INVALID" });
});

test("the host's own variant wins, then the newest it can run; unknown platforms never", () => {
  const of = (architecture: string, variant = "") => ({ platform: { os: "linux", architecture, variant } });
  const candidates = [of("unknown"), of("arm", "v6"), of("arm", "v7"), of("arm64", "v8"), of("amd64")];
  const names = (host: { os: string; architecture: string; variant?: string }) =>
    matchPlatforms(candidates, host).map(({ platform }) => `${platform.architecture}/${platform.variant ?? ""}`);
  assert.deepEqual(names({ os: "linux", architecture: "arm64" }), ["arm64/v8", "arm/v7", "arm/v6"]);
  assert.deepEqual(names({ os: "linux", architecture: "arm", variant: "v6" }), ["arm/v6"]);
  assert.deepEqual(names({ os: "linux", architecture: "amd64" }), ["amd64/"]);
  assert.deepEqual(names({ os: "windows", architecture: "amd64" }), []);
});

test("the chain id of one layer is its diff id", () => {
  assert.deepEqual(chainIdsOf([DIGEST]), [DIGEST]);
  assert.deepEqual(chainIdsOf([DIGEST, DIGEST])[1], digestOf(Buffer.from(`${DIGEST} ${DIGEST}`)));
});

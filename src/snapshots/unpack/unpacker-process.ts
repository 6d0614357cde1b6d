import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { flushCompileCache } from "node:module";

import { codeOf, messageOf } from "../../base/coded-error.ts";
import { dropCapabilities } from "../../linux/drop-capabilities.ts";
import { applyLayer } from "./apply-layer.ts";
import { ArrivingBlob } from "./arriving-blob.ts";
import { confined } from "./confine.ts";
import type { UnpackAnswer, UnpackedLayer, UnpackerOrder, UnpackerReply, UnpackJob } from "./unpack-job.ts";

// What unpacking a layer takes, and nothing else: no network, no processes of others, no kernel settings.
dropCapabilities([
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_MKNOD",
  "CAP_SETFCAP",
  "CAP_SYS_CHROOT",
  // overlayfs' own attributes are in the `trusted` namespace.
  "CAP_SYS_ADMIN",
]);

// Its owner kills it in the end, when Node would save what it compiled.
flushCompileCache();

// Modes come from the archive as they are.
process.umask(0);

let current: { readonly id: number; readonly blob: ArrivingBlob } | undefined;

process.on("message", (order: UnpackerOrder) => {
  if (order.kind === "unpack") void answer(order).then(reply);
  else if (order.id === current?.id) current.blob.advance(order.bytes);
});

// Whoever asked is gone: what is half unpacked is theirs to remove.
process.on("disconnect", () => process.exit(0));

function reply(said: UnpackerReply): void {
  process.send?.(said);
}

async function answer(order: UnpackOrder): Promise<UnpackAnswer> {
  try {
    return { kind: "unpacked", layer: await unpack(order) };
  } catch (error) {
    return { kind: "failed", code: codeOf(error) ?? "UNPACKER_FAILED", message: messageOf(error) };
  }
}

async function unpack({ id, job, available }: UnpackOrder): Promise<UnpackedLayer> {
  const fd = openBlob(job);
  try {
    const size = job.blobBytes ?? fstatSync(fd).size;
    const onStarving = (at: number) => reply({ kind: "starving", at });
    const blob = new ArrivingBlob({ fd, size, available: Math.min(available, size), onStarving });
    current = { id, blob };
    return await confined(job.directory, () => applyLayer(blob.chunks(), job));
  } finally {
    current = undefined;
    closeSync(fd);
  }
}

function openBlob({ partialPath, blobPath }: UnpackJob): number {
  try {
    return openSync(partialPath ?? blobPath, constants.O_RDONLY);
  } catch (error) {
    // It became whole, and so was renamed, before we came.
    if (partialPath === undefined || codeOf(error) !== "ENOENT") throw error;
    return openSync(blobPath, constants.O_RDONLY);
  }
}

type UnpackOrder = UnpackerOrder & { readonly kind: "unpack" };

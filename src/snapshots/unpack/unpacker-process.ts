import { closeSync, constants, openSync } from "node:fs";

import { codeOf, messageOf } from "../../base/coded-error.ts";
import { failpoint } from "../../base/failpoint.ts";
import { dropCapabilities } from "../../linux/drop-capabilities.ts";
import { syncfs } from "../../linux/filesystem.ts";
import { applyLayer } from "./apply-layer.ts";
import { confined } from "./confine.ts";
import type { UnpackAnswer, UnpackedLayer, UnpackJob } from "./unpack-job.ts";

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

// Modes come from the archive as they are.
process.umask(0);

process.on("message", (job: UnpackJob) => {
  void answer(job).then((result) => process.send?.(result));
});

// Whoever asked is gone: what is half unpacked is theirs to remove.
process.on("disconnect", () => process.exit(0));

async function answer(job: UnpackJob): Promise<UnpackAnswer> {
  try {
    return { kind: "unpacked", layer: await unpack(job) };
  } catch (error) {
    return { kind: "failed", code: codeOf(error) ?? "UNPACKER_FAILED", message: messageOf(error) };
  }
}

async function unpack(job: UnpackJob): Promise<UnpackedLayer> {
  const blob = openSync(job.blobPath, constants.O_RDONLY);
  const root = openSync(job.directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    // The first call finds the C functions, which a confined process could not load.
    syncfs(root);
    const written = await confined(job.directory, () => applyLayer(blob, job));
    await failpoint("unpack.before-sync");
    // A snapshot that is committed before its files are on the disk holds empty files after a power cut.
    syncfs(root);
    return written;
  } finally {
    closeSync(root);
    closeSync(blob);
  }
}

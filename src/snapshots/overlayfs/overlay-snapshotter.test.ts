import { snapshotterSuite } from "../snapshotter.suite.ts";
import { openOverlaySnapshotter } from "./overlay-snapshotter.ts";

snapshotterSuite({
  name: "overlayfs",
  open: openOverlaySnapshotter,
  skip: process.getuid?.() === 0 ? false : "needs root: overlay mounts",
});

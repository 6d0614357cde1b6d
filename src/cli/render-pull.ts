import type { LayerTrace, PullTrace } from "../trace/pull-trace.ts";
import { formatBytes } from "../base/format-bytes.ts";

/** The terminal that a pull is shown on. */
export interface PullView {
  readonly columns: number;
  readonly rows: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Returns the lines that show a pull: what it is, a bar for each layer as far as there is room, and all of them together. */
export function renderPull(trace: PullTrace, view: PullView): string[] {
  if (trace.layers.length === 0) return [fit(`${trace.image}  resolving`, view)];
  const room = Math.max(1, view.rows - 4);
  const shown = [...trace.layers].toSorted((a, b) => urgency(a) - urgency(b)).slice(0, room);
  const layers = trace.layers.filter((layer) => shown.includes(layer));
  const hidden = trace.layers.length - layers.length;
  return [
    fit(headOf(trace), view),
    ...layers.map((layer) => fit(layerLine(layer, view), view)),
    ...(hidden === 0 ? [] : [` … and ${hidden} more`]),
    fit(totalLine(trace, view), view),
  ];
}

/** Returns what a pull is, once it knows: `NAME  linux/amd64  8 layers, 238.0 MiB  (3 here already)`. */
export function headOf({ image, platform, layers }: PullTrace): string {
  const present = layers.filter((layer) => layer.state === "present").length;
  const here = present === 0 ? "" : `  (${present} here already)`;
  const count = layers.length === 1 ? "1 layer" : `${layers.length} layers`;
  return `${image}  ${(platform ?? "").replaceAll(/\p{Cc}/gu, "")}  ${count}, ${formatBytes(sizeOf(layers))}${here}`;
}

/** Returns the short form of a digest. */
export function shortDigest(digest: string): string {
  return digest.slice(digest.indexOf(":") + 1).slice(0, 12);
}

const BAR_WIDTH = 24;
const URGENCY: Readonly<Record<LayerTrace["state"], number>> = {
  failed: 0,
  unpacking: 1,
  downloading: 2,
  waiting: 3,
  done: 4,
  present: 5,
};

function urgency({ state }: LayerTrace): number {
  return URGENCY[state];
}

function layerLine(layer: LayerTrace, { now }: PullView): string {
  const { digest, size, state, downloadedBytes, startedAt, finishedAt } = layer;
  const bar = barOf(size === 0 ? 1 : downloadedBytes / size);
  const name = ` ${shortDigest(digest)}  ${bar}  `;
  if (state === "present") return `${name}${formatBytes(size)}  here already`;
  if (state === "done") {
    const seconds = ((finishedAt ?? now) - (startedAt ?? now)) / 1000;
    return `${name}${formatBytes(size)}  done in ${seconds.toFixed(1)} s`;
  }
  if (state !== "downloading") return `${name}${formatBytes(size)}  ${state}`;
  const speed = speedOf(downloadedBytes, now - (startedAt ?? now));
  return `${name}${formatBytes(downloadedBytes)} / ${formatBytes(size)}  ${formatBytes(speed)}/s`;
}

function totalLine({ layers, startedAt, finishedAt }: PullTrace, { now }: PullView): string {
  const size = sizeOf(layers);
  const here = layers.reduce((sum, layer) => sum + layer.downloadedBytes, 0);
  const fetched = layers.reduce((sum, layer) => sum + (layer.state === "present" ? 0 : layer.downloadedBytes), 0);
  const share = size === 0 ? 1 : here / size;
  const head = ` ${"total".padEnd(12)}  ${barOf(share)}  ${Math.floor(share * 100)} %`;
  const elapsed = (finishedAt ?? now) - startedAt;
  if (finishedAt !== undefined) return `${head}  ${(elapsed / 1000).toFixed(1)} s`;
  const speed = speedOf(fetched, elapsed);
  if (here >= size) return `${head}  unpacking`;
  return speed === 0 ? head : `${head}  ${((size - here) / speed).toFixed(1)} s left`;
}

/** Bytes a second. */
function speedOf(bytes: number, ms: number): number {
  return ms <= 0 ? 0 : Math.round((bytes * 1000) / ms);
}

function barOf(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * BAR_WIDTH);
  return "█".repeat(full) + "░".repeat(BAR_WIDTH - full);
}

function sizeOf(layers: readonly LayerTrace[]): number {
  return layers.reduce((sum, { size }) => sum + size, 0);
}

function fit(line: string, { columns }: PullView): string {
  return line.slice(0, Math.max(20, columns - 1));
}

import { type Command, Option } from "commander";

import type { ImageDetails } from "../../../cri/image-administration.ts";
import { addIdentityFlags, readFlags, type IdentityFlags } from "../../cluster-flags.ts";
import { formatBytes } from "../../../base/format-bytes.ts";
import { openImages } from "../../open-images.ts";
import { OUTPUT_FORMATS, type OutputFormat, printObject } from "../../print-object.ts";
import { printTable } from "../../print-table.ts";

interface HistoryFlags extends IdentityFlags {
  readonly output?: OutputFormat;
}

/** `berth image history`. */
export function defineImageHistory(parent: Command): void {
  addIdentityFlags(parent.command("history"))
    .description("Show how an image was built, the last step first")
    .argument("<image>", "a name in any spelling, or an id")
    .addOption(new Option("-o, --output <format>", "for programs").choices(OUTPUT_FORMATS))
    .action(async (image: string, _flags: unknown, command: Command) => {
      const flags = await readFlags<HistoryFlags>(command);
      await using open = await openImages(flags, { verb: "show the history of an image of" });
      const steps = stepsOf(await open.images.inspect(image));
      if (flags.output !== undefined) await printObject(steps, flags.output);
      else printTable(["CREATED", "SIZE", "CREATED BY"], steps.map(rowOf));
    });
}

interface Step {
  readonly created?: string;
  readonly createdBy?: string;
  readonly comment?: string;
  /** The layer that the step made; absent where it made none. */
  readonly layer?: string;
  /** Compressed bytes. */
  readonly size: number;
}

function stepsOf({ config, layers }: ImageDetails): Step[] {
  const left = [...layers];
  const history = (config as { readonly history?: readonly HistoryEntry[] }).history ?? [];
  const steps = history.map((entry) => {
    const layer = entry.empty_layer === true ? undefined : left.shift();
    return {
      ...(entry.created === undefined ? {} : { created: entry.created }),
      ...(entry.created_by === undefined ? {} : { createdBy: entry.created_by }),
      ...(entry.comment === undefined ? {} : { comment: entry.comment }),
      ...(layer === undefined ? {} : { layer: layer.digest }),
      size: layer?.size ?? 0,
    };
  });
  // A history is optional: layers that none tells of are shown all the same.
  return [...steps, ...left.map(({ digest, size }) => ({ layer: digest, size }))].toReversed();
}

interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

function rowOf({ created, createdBy, comment, size }: Step): string[] {
  return [(created ?? "").slice(0, 19), formatBytes(size), (createdBy ?? comment ?? "").slice(0, 160)];
}

import type { Metadata } from "../metadata/metadata.ts";
import { type ContainerRecord, RECORD_VERSION } from "./engine-records.ts";

/** Returns the ids of the images that containers, running or not, are made from; needs no engine that runs. */
export async function imagesInUse(metadata: Metadata): Promise<ReadonlySet<string>> {
  const containers = metadata.records<ContainerRecord>("containers", RECORD_VERSION).list();
  return await Promise.resolve(new Set(containers.map(({ record }) => record.image.id)));
}

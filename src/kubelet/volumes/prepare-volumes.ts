import { chmod, chown, mkdir } from "node:fs/promises";

import type { Volume } from "../../api/core-v1.gen.ts";
import { quantityValue } from "../../api/quantity.ts";
import { CodedError, messageOf } from "../../base/coded-error.ts";
import type { PodDirectories, VolumePlugin } from "../pod-directories.ts";
import { prepareHostPath } from "./host-path.ts";
import { mountMemoryDirectory } from "./memory-directory.ts";
import type { Payload } from "./payload.ts";
import {
  configMapPayload,
  downwardPayload,
  type PayloadRequest,
  projectedPayload,
  secretPayload,
} from "./read-payload.ts";
import { writePayload } from "./write-payload.ts";

export interface PrepareVolumesRequest extends Omit<PayloadRequest, "defaultMode"> {
  readonly directories: PodDirectories;
}

/** A volume as containers mount it. */
export interface PreparedVolume {
  readonly hostPath: string;
  /** Whether only the kubelet writes to it, so that paths inside can be trusted. */
  readonly isOwned: boolean;
}

/** Volumes of a pod that could not be made ready; worded as the kubelet's `FailedMount` event. */
export class VolumeError extends CodedError<"MOUNT_FAILED"> {}

/** Makes every volume of a pod ready and returns them by name. Safe to repeat: contents are brought up to date. Throws `VolumeError`. */
export async function prepareVolumes(request: PrepareVolumesRequest): Promise<ReadonlyMap<string, PreparedVolume>> {
  const volumes = request.pod.spec.volumes ?? [];
  return new Map(
    await Promise.all(volumes.map(async (volume) => [volume.name, await prepare(volume, request)] as const)),
  );
}

async function prepare(volume: Volume, request: PrepareVolumesRequest): Promise<PreparedVolume> {
  try {
    return await prepareKind(volume, request);
  } catch (error) {
    const reason = messageOf(error);
    throw new VolumeError("MOUNT_FAILED", `MountVolume.SetUp failed for volume "${volume.name}" : ${reason}`, {
      cause: error,
    });
  }
}

async function prepareKind(volume: Volume, request: PrepareVolumesRequest): Promise<PreparedVolume> {
  const { hostPath, emptyDir, configMap, secret, downwardAPI, projected } = volume;
  if (hostPath !== undefined) return { hostPath: await prepareHostPath(hostPath), isOwned: false };
  if (emptyDir !== undefined) return await prepareEmptyDir(volume, request);
  if (configMap !== undefined) {
    const payload = (mode: PayloadRequest) => configMapPayload(configMap, mode);
    return await preparePayload(volume, request, { plugin: "configmap", mode: configMap.defaultMode, payload });
  }
  if (secret !== undefined) {
    const source = { ...secret, name: secret.secretName };
    const payload = (mode: PayloadRequest) => secretPayload(source, mode);
    return await preparePayload(volume, request, { plugin: "secret", mode: secret.defaultMode, payload });
  }
  if (downwardAPI !== undefined) {
    const payload = (mode: PayloadRequest) => Promise.resolve(downwardPayload(downwardAPI.items ?? [], mode));
    return await preparePayload(volume, request, { plugin: "downward-api", mode: downwardAPI.defaultMode, payload });
  }
  if (projected !== undefined) {
    const payload = (mode: PayloadRequest) => projectedPayload(projected.sources ?? [], mode);
    return await preparePayload(volume, request, { plugin: "projected", mode: projected.defaultMode, payload });
  }
  const kind = Object.keys(volume).find((key) => key !== "name") ?? "none";
  throw new RangeError(`volumes of kind "${kind}" are not supported by this kubelet`);
}

async function prepareEmptyDir(volume: Volume, { pod, directories }: PrepareVolumesRequest): Promise<PreparedVolume> {
  const path = directories.volumeDir(pod, "empty-dir", volume.name);
  const { medium, sizeLimit } = volume.emptyDir ?? {};
  await mkdir(path, { recursive: true });
  if (medium === "Memory") {
    const sizeBytes = sizeLimit === undefined ? undefined : quantityValue(sizeLimit);
    await mountMemoryDirectory(path, { sizeBytes, mode: 0o777 });
  }
  const fsGroup = pod.spec.securityContext?.fsGroup;
  if (fsGroup !== undefined) await chown(path, 0, fsGroup);
  // Any user of the pod's containers may write there; with a group, what is made inside belongs to it.
  await chmod(path, fsGroup === undefined ? 0o777 : 0o2777);
  return { hostPath: path, isOwned: false };
}

interface FilledVolume {
  readonly plugin: VolumePlugin;
  readonly mode: number | undefined;
  readonly payload: (request: PayloadRequest) => Promise<Payload>;
}

async function preparePayload(
  volume: Volume,
  request: PrepareVolumesRequest,
  fill: FilledVolume,
): Promise<PreparedVolume> {
  const { pod, directories } = request;
  const path = directories.volumeDir(pod, fill.plugin, volume.name);
  const payload = await fill.payload({ ...request, defaultMode: fill.mode ?? 0o644 });
  if (fill.plugin === "secret" || fill.plugin === "projected") await mountMemoryDirectory(path);
  await writePayload(path, payload, { fsGroup: pod.spec.securityContext?.fsGroup });
  return { hostPath: path, isOwned: true };
}

import type { DownwardAPIVolumeFile, ProjectedVolumeSource, Volume } from "../core-v1.gen.ts";

/** Fills in a volume; one without any source is an empty directory. */
export function defaultVolume(volume: Volume): void {
  if (Object.entries(volume).every(([key, value]) => key === "name" || value === undefined)) volume.emptyDir = {};
  for (const source of [volume.secret, volume.configMap, volume.downwardAPI, volume.projected]) {
    if (source !== undefined) source.defaultMode ??= DEFAULT_MODE;
  }
  defaultDownwardFiles(volume.downwardAPI?.items);
  if (volume.projected !== undefined) defaultProjected(volume.projected);
  if (volume.hostPath !== undefined) volume.hostPath.type ??= "";
  if (volume.iscsi !== undefined) volume.iscsi.iscsiInterface ??= "default";
  const claim = volume.ephemeral?.volumeClaimTemplate?.spec;
  if (claim !== undefined) claim.volumeMode ??= "Filesystem";
}

/** rw-r--r-- */
const DEFAULT_MODE = 0o644;

function defaultProjected(projected: ProjectedVolumeSource): void {
  for (const source of projected.sources ?? []) {
    if (source.serviceAccountToken !== undefined) source.serviceAccountToken.expirationSeconds ??= 3600;
    defaultDownwardFiles(source.downwardAPI?.items);
  }
}

function defaultDownwardFiles(items: readonly DownwardAPIVolumeFile[] | undefined): void {
  for (const { fieldRef, resourceFieldRef } of items ?? []) {
    if (fieldRef !== undefined) fieldRef.apiVersion ??= "v1";
    if (resourceFieldRef !== undefined) resourceFieldRef.divisor ??= "0";
  }
}

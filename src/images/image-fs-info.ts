import type { FilesystemUsage, ImageFsInfo } from "../cri/image-service.ts";
import type { ImageContext } from "./image-context.ts";

/** CRI `ImageFsInfo`: what blobs and unpacked layers take, and what containers wrote. */
export async function imageFsInfo(context: ImageContext): Promise<ImageFsInfo> {
  const [images, containers] = await Promise.all([imageUsage(context), containerUsage(context)]);
  return { imageFilesystems: [images], containerFilesystems: [containers] };
}

async function imageUsage({ root, content, snapshotter }: ImageContext): Promise<FilesystemUsage> {
  const blobs = await content.list();
  const snapshots = snapshotter.list();
  const blobBytes = blobs.reduce((sum, blob) => sum + blob.size, 0);
  return {
    timestamp: Date.now(),
    mountpoint: root,
    usedBytes: snapshots.reduce((sum, snapshot) => sum + snapshot.bytes, blobBytes),
    inodesUsed: snapshots.reduce((sum, snapshot) => sum + snapshot.inodes, blobs.length),
  };
}

async function containerUsage({ root, snapshotter }: ImageContext): Promise<FilesystemUsage> {
  let usedBytes = 0;
  let inodesUsed = 0;
  for (const key of await snapshotter.listRootfs()) {
    const usage = await snapshotter.rootfsUsage(key);
    usedBytes += usage.bytes;
    inodesUsed += usage.inodes;
  }
  return { timestamp: Date.now(), mountpoint: root, usedBytes, inodesUsed };
}

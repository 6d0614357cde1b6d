import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join, posix } from "node:path";

import { failpoint } from "../base/failpoint.ts";
import { CriError } from "../cri/cri-error.ts";
import type { ContainerConfig } from "../cri/runtime-service.ts";
import { parseSignal } from "../linux/signals.ts";
import { bundleOf } from "../runtime/runtime-directories.ts";
import { mountSnapshot } from "../snapshots/mount-snapshot.ts";
import type { ContainerImage } from "./container-images.ts";
import { makeMountPoints } from "./container-mounts.ts";
import { containerSpecOf } from "./container-spec-of.ts";
import { resolveUser } from "./container-user.ts";
import type { Engine } from "./engine.ts";
import type { ContainerRecord, SandboxRecord } from "./engine-records.ts";
import { discardContainer } from "./discard-container.ts";

/**
 * Makes a container from an image: root file system, configuration, and a conmon at work on creating it, which `startContainer`
 * waits for. Returns its id. Throws `CriError`.
 */
export async function createContainer(
  engine: Engine,
  podSandboxId: string,
  config: ContainerConfig,
  signal?: AbortSignal,
): Promise<string> {
  const sandbox = readySandbox(engine, podSandboxId);
  checkNamespaces(config);
  const image = await engine.images.resolveImage(config.image);
  if (image === undefined) throw imageMissing(config.image.image);
  signal?.throwIfAborted();
  const record = newRecord(sandbox, config, image);
  await engine.containers.put(record);
  try {
    await failpoint("container.after-record");
    await begin(engine, { record, sandbox, image });
  } catch (error) {
    await discardContainer(engine, record.id);
    throw error;
  }
  engine.events.publish({ containerId: record.id, podSandboxId, type: "CONTAINER_CREATED_EVENT" });
  return record.id;
}

const SIGTERM = 15;

interface Parts {
  readonly record: ContainerRecord;
  readonly sandbox: SandboxRecord;
  readonly image: ContainerImage;
}

/** Resolves when the root is mounted and the configuration made; conmon has started meanwhile and creates from then on. */
async function begin(engine: Engine, parts: Parts): Promise<void> {
  const { record, image } = parts;
  const { id, config, logPath } = record;
  const spec = mountRootfs(engine, record.id, image).then(async (rootfs) => {
    const user = userOf(config, image, rootfs);
    await engine.containers.update(id, { user });
    return await containerSpecOf(engine, { ...parts, rootfs, user });
  });
  const { tty: terminal, stdin, stdinOnce } = config;
  const created = engine.runtime.create({ id, logPath, terminal, stdin, stdinOnce, spec });
  // Told by startContainer; nobody may be listening before.
  created.catch(() => {});
  engine.creating.set(id, created);
  await spec;
}

async function mountRootfs(engine: Engine, id: string, image: ContainerImage): Promise<string> {
  const { rootfs } = bundleOf(engine.runtime.directories, id);
  const [snapshot] = await Promise.all([
    engine.snapshotter.prepareRootfs(id, image.chainId),
    mkdir(rootfs, { recursive: true, mode: 0o700 }),
  ]);
  mountSnapshot(snapshot, rootfs);
  makeMountPoints(rootfs);
  return rootfs;
}

function userOf(config: ContainerConfig, image: ContainerImage, rootfs: string): ContainerRecord["user"] & object {
  const { runAsUser, runAsUsername, runAsGroup, supplementalGroups = [] } = config.linux.securityContext;
  const imageUser = image.config.config.user;
  return resolveUser({ rootfs, imageUser, runAsUser, runAsUsername, runAsGroup, supplementalGroups });
}

function newRecord(sandbox: SandboxRecord, config: ContainerConfig, image: ContainerImage): ContainerRecord {
  const id = randomBytes(32).toString("hex");
  return {
    id,
    podSandboxId: sandbox.id,
    config,
    state: "CONTAINER_CREATED",
    image: { id: image.id, repoDigest: image.repoDigest },
    createdAt: Date.now(),
    startedAt: 0,
    finishedAt: 0,
    exitCode: 0,
    reason: "",
    message: "",
    logPath: logPathOf(sandbox, config),
    stopSignal: stopSignalOf(config, image),
    cgroupPath: posix.join(sandbox.cgroupPath, id),
  };
}

function logPathOf(sandbox: SandboxRecord, config: ContainerConfig): string {
  const path = join(sandbox.config.logDirectory, config.logPath);
  if (config.logPath !== "" && path.startsWith(join(sandbox.config.logDirectory, "/"))) return path;
  throw new CriError("INVALID_ARGUMENT", `Cannot log to "${config.logPath}": not below the sandbox's log directory`);
}

function stopSignalOf(config: ContainerConfig, image: ContainerImage): number {
  const text = config.stopSignal ?? image.config.config.stopSignal;
  return text === undefined ? SIGTERM : (parseSignal(text) ?? SIGTERM);
}

function readySandbox(engine: Engine, id: string): SandboxRecord {
  const sandbox = engine.sandboxes.get(id);
  if (sandbox.state === "READY") return sandbox;
  throw new CriError(
    "FAILED_PRECONDITION",
    `Cannot create a container in the sandbox "${id}": the sandbox is not ready`,
  );
}

function checkNamespaces(config: ContainerConfig): void {
  const { pid } = config.linux.securityContext.namespaceOptions;
  if (pid === "CONTAINER" || pid === "NODE") return;
  throw new CriError(
    "UNIMPLEMENTED",
    `Cannot create the container "${config.metadata.name}": sharing a process namespace`,
  );
}

function imageMissing(image: string): CriError {
  return new CriError("NOT_FOUND", `Cannot create a container from "${image}": the image is not present`);
}

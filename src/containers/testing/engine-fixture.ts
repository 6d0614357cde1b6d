import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { createLogger, silentLogger } from "../../base/log.ts";
import { run } from "../../base/process/run.ts";
import type { ContainerConfig, LinuxContainerSecurityContext, PodSandboxConfig } from "../../cri/runtime-service.ts";
import { cgroupDirectory } from "../../linux/cgroup.ts";
import { detectCgroups } from "../../linux/cgroup-layout.ts";
import { listMounts } from "../../linux/mount.ts";
import { commandLines } from "../../testing/command-lines.ts";
import { openMetadata } from "../../metadata/open-metadata.ts";
import { digestOf } from "../../oci/digest.ts";
import type { ContainerDefaults } from "../../oci/image-config.ts";
import { openOverlaySnapshotter } from "../../snapshots/overlayfs/overlay-snapshotter.ts";
import type { ContainerImage } from "../container-images.ts";
import { type ContainerService, createRuntimeService } from "../container-service.ts";

/** Where one engine of a test keeps everything. */
export interface EngineFixture {
  readonly base: string;
  readonly instance: string;
  readonly podCidr: string;
  /** A static BusyBox, what its image is made of. */
  readonly busybox: string;
}

export const RUN_AS_IMAGE_SAYS: LinuxContainerSecurityContext = {
  privileged: false,
  namespaceOptions: { network: "POD", pid: "CONTAINER", ipc: "POD" },
  readonlyRootfs: false,
  noNewPrivs: false,
  seccomp: { profileType: "RuntimeDefault" },
};

/** Makes the directories of an engine. `podCidr` must be no other test's. */
export function createEngineFixture(options: Pick<EngineFixture, "podCidr" | "busybox">): EngineFixture {
  const base = mkdtempSync("/run/berth-ct-");
  return { ...options, base, instance: `test${base.slice(-6).toLowerCase()}` };
}

/** Opens an engine on real parts, with an image of BusyBox. Disposing it leaves its containers running. */
export async function openEngine({ base, instance, podCidr, busybox }: EngineFixture): Promise<ContainerService> {
  const metadata = await openMetadata(join(base, "root", "engine.db"));
  const snapshotter = await openOverlaySnapshotter(join(base, "root", "snapshots"));
  const chainId = digestOf(Buffer.from("busybox"));
  if (snapshotter.stat(chainId) === undefined) {
    await using active = await snapshotter.prepare(chainId, undefined);
    fillRootfs(active.directory, busybox);
    await active.commit({ bytes: 1, inodes: 1, implicitDirectories: [], isOpaque: false });
  }
  const service = await createRuntimeService({
    root: join(base, "root"),
    runRoot: join(base, "run"),
    hostRunRoot: join(base, "host"),
    instance,
    version: "0.0.0",
    metadata,
    snapshotter,
    images: { resolveImage: ({ image }) => Promise.resolve(IMAGES(chainId)[image]) },
    logger: process.env["BERTH_TEST_LOG"] === undefined ? silentLogger : createLogger({ role: "engine" }),
  });
  await service.updateRuntimeConfig({ podCidr });
  const close = service[Symbol.asyncDispose].bind(service);
  service[Symbol.asyncDispose] = async () => {
    await close();
    metadata.close();
  };
  return service;
}

/** Returns a pod's configuration. */
export function sandboxConfig(fixture: EngineFixture, name: string): PodSandboxConfig {
  return {
    metadata: { name, uid: `uid-${name}`, namespace: "default", attempt: 0 },
    hostname: name,
    logDirectory: join(fixture.base, "logs", name),
    dnsConfig: { servers: ["10.43.0.10"], searches: ["default.svc.cluster.local"], options: ["ndots:5"] },
    labels: { app: name },
    annotations: {},
    linux: {
      cgroupParent: `/kubepods/pod-${name}`,
      securityContext: { namespaceOptions: RUN_AS_IMAGE_SAYS.namespaceOptions },
    },
  };
}

/** Returns a container's configuration that runs a shell script. */
export function containerConfig(name: string, script: string, changes: Partial<ContainerConfig> = {}): ContainerConfig {
  return {
    metadata: { name, attempt: 0 },
    image: { image: "busybox" },
    command: ["sh", "-c", script],
    args: [],
    workingDir: "",
    envs: [],
    mounts: [],
    devices: [],
    labels: {},
    annotations: {},
    logPath: `${name}/0.log`,
    stdin: false,
    stdinOnce: false,
    tty: false,
    linux: { resources: {}, securityContext: RUN_AS_IMAGE_SAYS },
    ...changes,
  };
}

/** Returns the standard output in a CRI log. */
export function readLog(path: string): string {
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  const parsed = lines.map((line) => /^\S+ (stdout|stderr) ([FP]) (.*)$/s.exec(line));
  return parsed.map((match) => (match?.[1] === "stdout" ? match[3] + (match[2] === "F" ? "\n" : "") : "")).join("");
}

/** Removes the fixture's directories and returns what of its engine is left on the machine, empty when nothing is. */
export async function leftovers({ base, instance }: EngineFixture): Promise<string[]> {
  const { hierarchies } = detectCgroups();
  const cgroups = hierarchies.map((hierarchy) => cgroupDirectory(hierarchy, `/berth-${instance}`)).filter(existsSync);
  const mounts = listMounts().flatMap(({ mountPoint }) => (mountPoint.startsWith(base) ? [mountPoint] : []));
  const rules = (await run(["nft", "list", "ruleset"])).stdout.toString();
  const processes = commandLines();
  const run_ = existsSync(join(base, "run")) ? readdirSync(join(base, "run")) : [];
  rmSync(base, { recursive: true, force: true });
  return [
    ...cgroups,
    ...mounts,
    ...(rules.includes(instance) ? [rules] : []),
    ...processes.filter((line) => line.includes(base) && line.includes("conmon")),
    ...run_,
  ];
}

const DEFAULTS: ContainerDefaults = {
  user: "",
  env: ["PATH=/bin", "FROM_IMAGE=yes"],
  entrypoint: [],
  cmd: ["sh", "-c", "echo from the image"],
  workingDir: "",
  volumes: [],
  exposedPorts: [],
  labels: {},
};

type Images = Readonly<Record<string, ContainerImage>>;

const IMAGES = (chainId: ReturnType<typeof digestOf>): Images => {
  const id = digestOf(Buffer.from("config"));
  const image = (config: Partial<ContainerDefaults>): ContainerImage => ({
    id,
    repoDigest: `registry.example/busybox@${id}`,
    chainId,
    config: { platform: { os: "linux", architecture: "amd64" }, diffIds: [], config: { ...DEFAULTS, ...config } },
  });
  return {
    busybox: image({}),
    "with-user": image({ user: "app", workingDir: "/srv/app", stopSignal: "SIGUSR1" }),
    "unknown-user": image({ user: "nobody-here" }),
  };
};

function fillRootfs(rootfs: string, busybox: string): void {
  for (const name of ["bin", "etc", "tmp", "srv/app"]) mkdirSync(join(rootfs, name), { recursive: true });
  // Hostile: where the kernel's file systems go, links that lead elsewhere.
  symlinkSync("/tmp", join(rootfs, "proc"));
  symlinkSync("../../../../tmp", join(rootfs, "dev"));
  copyFileSync(busybox, join(rootfs, "bin", "busybox"));
  for (const name of COMMANDS) symlinkSync("busybox", join(rootfs, "bin", name));
  writeFileSync(join(rootfs, "etc", "passwd"), "root:x:0:0::/root:/bin/sh\napp:x:1234:2345::/:/bin/sh\n");
  writeFileSync(join(rootfs, "etc", "group"), "root:x:0:\napps:x:2345:\nextra:x:3456:other,app\n");
}

const COMMANDS = [
  "sh",
  "ls",
  "cat",
  "id",
  "env",
  "sleep",
  "hostname",
  "ip",
  "kill",
  "pwd",
  "tail",
  "true",
  "nc",
  "touch",
  "ps",
  "mount",
  "grep",
  "tty",
];

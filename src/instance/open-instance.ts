import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { areRangesFree, chooseAddressRanges } from "./address-ranges.ts";
import { parseCidr } from "./cidr.ts";
import { anyFreePort, isPortFree } from "./free-port.ts";
import { hostDirectories, type HostDirectories } from "./host-directories.ts";
import { listHostInstances, lockHost, registerInstance, type HostInstance } from "./host-instances.ts";
import { listHostRoutes } from "./host-routes.ts";
import { InstanceError } from "./instance-error.ts";
import { checkInstanceName } from "./instance-name.ts";
import { instancePaths, type InstancePaths } from "./instance-paths.ts";
import { readInstanceRecord, writeInstanceRecord, type InstanceRecord } from "./instance-record.ts";

/** One cluster of this host: its record and its places. */
export interface Instance {
  readonly record: InstanceRecord;
  readonly paths: InstancePaths;
  readonly directories: HostDirectories;
}

export interface InstanceRequest {
  readonly name: string;
  /** `<data root>/<name>` where absent. */
  readonly dataDir?: string | undefined;
  /** Port of the API server: 0 for any free one; absent for the recorded one, or the first free from 6443. */
  readonly apiPort?: number | undefined;
  /** Port of the node server; 0 for any free one; absent for the recorded one, or the first free from 10250. */
  readonly kubeletPort?: number | undefined;
  readonly directories?: HostDirectories;
}

/** Returns the cluster where it exists already, without changing anything. */
export async function findInstance(request: InstanceRequest): Promise<Instance | undefined> {
  const directories = request.directories ?? hostDirectories();
  const dataDir = dataDirOf(request, directories);
  const record = await readInstanceRecord(dataDir);
  return record === undefined ? undefined : instanceOf({ record, dataDir }, directories);
}

/**
 * Returns the cluster, made new where it does not exist: its ranges and ports are allocated under a lock of this host and
 * durable on return. A record whose ranges another cluster or a new route took since is given new ones.
 */
export async function openInstance(request: InstanceRequest): Promise<Instance> {
  checkInstanceName(request.name);
  const directories = request.directories ?? hostDirectories();
  const dataDir = dataDirOf(request, directories);
  await mkdir(directories.runRoot, { recursive: true, mode: 0o755 });
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await using _lock = await lockHost(directories);
  const present = await readInstanceRecord(dataDir);
  const others = (await listHostInstances(directories)).filter((instance) => instance.dataDir !== dataDir);
  const record = await allocate(request, present, others);
  if (JSON.stringify(record) !== JSON.stringify(present)) await writeInstanceRecord(dataDir, record);
  await registerInstance(directories, { record, dataDir });
  return instanceOf({ record, dataDir }, directories);
}

function dataDirOf(request: InstanceRequest, directories: HostDirectories): string {
  return request.dataDir ?? join(directories.dataRoot, request.name);
}

function instanceOf({ record, dataDir }: HostInstance, directories: HostDirectories): Instance {
  const paths = instancePaths({ dataDir, runRoot: directories.runRoot, id: record.id });
  return { record, paths, directories };
}

async function allocate(
  request: InstanceRequest,
  present: InstanceRecord | undefined,
  others: readonly HostInstance[],
): Promise<InstanceRecord> {
  const records = others.map((other) => other.record);
  const ports = new Set(records.flatMap((record) => [record.apiPort, record.kubeletPort]));
  return {
    version: 1,
    id: chooseId(present?.id ?? request.name, records),
    name: request.name,
    ...(await chooseRanges(present, records)),
    apiPort: await choosePort({ asked: request.apiPort, recorded: present?.apiPort, first: 6443, taken: ports }),
    kubeletPort: await choosePort({
      asked: request.kubeletPort,
      recorded: present?.kubeletPort,
      first: 10250,
      taken: ports,
    }),
  };
}

function chooseId(wanted: string, others: readonly InstanceRecord[]): string {
  const taken = new Set(others.map((other) => other.id));
  let id = wanted;
  for (let number = 2; taken.has(id); number++) id = `${wanted}-${number}`;
  return id;
}

async function chooseRanges(
  present: InstanceRecord | undefined,
  others: readonly InstanceRecord[],
): Promise<Pick<InstanceRecord, "podCidr" | "serviceCidr">> {
  const used = others.flatMap((other) => [parseCidr(other.podCidr), parseCidr(other.serviceCidr)]);
  if (present !== undefined && areRangesFree(present, used)) {
    // The cluster's own pods have routes: only other clusters can make its ranges unusable.
    return { podCidr: present.podCidr, serviceCidr: present.serviceCidr };
  }
  return chooseAddressRanges([...used, ...(await listHostRoutes())]);
}

interface PortChoice {
  readonly asked: number | undefined;
  readonly recorded: number | undefined;
  readonly first: number;
  readonly taken: Set<number>;
}

async function choosePort(choice: PortChoice): Promise<number> {
  const port = await wantedPort(choice);
  choice.taken.add(port);
  return port;
}

async function wantedPort({ asked, recorded, first, taken }: PortChoice): Promise<number> {
  if (asked === 0) return recorded ?? (await anyPort(taken));
  if (asked !== undefined) return asked;
  if (recorded !== undefined) return recorded;
  for (let port = first; port < first + 200; port++) {
    if (!taken.has(port) && !RESERVED.has(port) && (await isPortFree(port))) return port;
  }
  throw new InstanceError("NO_FREE_PORT", `Cannot choose a port: ${first} to ${first + 199} are all in use`);
}

async function anyPort(taken: ReadonlySet<number>): Promise<number> {
  for (;;) {
    const port = await anyFreePort();
    if (!taken.has(port)) return port;
  }
}

/** Ports that Kubernetes components of another cluster on this host listen on. */
const RESERVED: ReadonlySet<number> = new Set([10256, 10257, 10258, 10259]);

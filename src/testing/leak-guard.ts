import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** What of the host a cluster may change, each thing as one line of text. */
export type HostState = Readonly<Record<Aspect, ReadonlySet<string>>>;

/** One kind of thing that a cluster makes on its host. */
export type Aspect =
  | "processes"
  | "mounts"
  | "network namespaces"
  | "cgroups"
  | "interfaces"
  | "routes"
  | "nftables"
  | "sysctls"
  | "directories";

/**
 * Remembers the host's state when it is made; `leaks()` returns what has come or gone since, one line each, empty when the host
 * is as it was. Processes count where their arguments, environment, cgroup or mounts name a word of `words`; all else counts
 * whoever made it, so nothing else may change the host meanwhile.
 */
export class LeakGuard {
  readonly #before: HostState;
  readonly #words: readonly string[];

  private constructor(before: HostState, words: readonly string[]) {
    this.#before = before;
    this.#words = words;
  }

  /** `words` are texts that only processes of ours carry: the temporary directory, the cluster's name. */
  static async open(words: readonly string[]): Promise<LeakGuard> {
    return new LeakGuard(await readHostState(words), words);
  }

  /** Returns the differences to the state at the start, `+` what is new and `-` what is gone. */
  async leaks(): Promise<string[]> {
    const after = await readHostState(this.#words);
    return Object.entries(this.#before).flatMap(([aspect, before]) =>
      differences(before, after[aspect as Aspect]).map((line) => `${aspect}: ${line}`),
    );
  }
}

/** Returns what is in only one of two sets: `+ new`, `- gone`. */
export function differences(before: ReadonlySet<string>, after: ReadonlySet<string>): string[] {
  return [
    ...[...after.difference(before)].map((line) => `+ ${line}`),
    ...[...before.difference(after)].map((line) => `- ${line}`),
  ];
}

/** Returns the state of the host as it is now. */
export async function readHostState(words: readonly string[]): Promise<HostState> {
  return {
    processes: new Set(processes(words)),
    mounts: new Set(mounts()),
    "network namespaces": new Set(namesIn("/run/netns")),
    cgroups: new Set(cgroups()),
    interfaces: new Set(namesIn("/sys/class/net")),
    routes: new Set(routes()),
    nftables: new Set(await nftablesTables()),
    sysctls: new Set(sysctls()),
    directories: new Set(directories()),
  };
}

function processes(words: readonly string[]): string[] {
  return namesIn("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => describeProcess(pid, words));
}

function describeProcess(pid: string, words: readonly string[]): string[] {
  const command = readText(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
  const traces = ["environ", "cgroup", "mountinfo"].map((file) => readText(`/proc/${pid}/${file}`));
  // The mounts of this process's own namespace name every cluster: only another namespace tells something.
  if (mountNamespaceOf(pid) === mountNamespaceOf("self")) traces.pop();
  return words.some((word) => [command, ...traces].some((text) => text.includes(word))) ? [`${pid} ${command}`] : [];
}

function mountNamespaceOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return "";
  }
}

function mounts(): string[] {
  return readText("/proc/self/mountinfo")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [own = "", source = ""] = line.split(" - ");
      return `${own.split(" ")[4]} (${source.split(" ")[0]})`;
    });
}

function cgroups(): string[] {
  const roots = readText("/proc/self/mountinfo")
    .split("\n")
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(" ")[4] ?? "");
  return [...new Set(roots)].flatMap((root) => directoriesBelow(root));
}

function directoriesBelow(path: string): string[] {
  try {
    const children = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return children.flatMap((entry) => [join(path, entry.name), ...directoriesBelow(join(path, entry.name))]);
  } catch {
    return [];
  }
}

function routes(): string[] {
  return readText("/proc/net/route")
    .split("\n")
    .slice(1)
    .filter((line) => line !== "")
    .map((line) => line.split("\t").slice(0, 3).join(" "));
}

async function nftablesTables(): Promise<string[]> {
  if (process.getuid?.() !== 0) return [];
  try {
    const { stdout } = await promisify(execFile)("nft", ["list", "tables"]);
    return stdout.split("\n").filter((line) => line !== "");
  } catch {
    return [];
  }
}

/** The kernel's switches that forwarding, masquerading and host ports touch, for all interfaces together. */
function sysctls(): string[] {
  return [
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/forwarding",
    "net/ipv4/conf/all/route_localnet",
    "net/ipv4/conf/default/forwarding",
    "net/ipv4/conf/all/rp_filter",
    "net/ipv6/conf/all/forwarding",
    "net/bridge/bridge-nf-call-iptables",
  ]
    .filter((name) => existsSync(`/proc/sys/${name}`))
    .map((name) => `${name} = ${readText(`/proc/sys/${name}`).trim()}`);
}

/** The directories themselves that clusters share may come and go: what is in them counts. */
function directories(): string[] {
  const temporary = namesIn(tmpdir()).filter((name) => name.startsWith("berth"));
  const shared = ["/run/berth", "/var/lib/berth"].flatMap((parent) =>
    namesIn(parent).map((name) => join(parent, name)),
  );
  return [...temporary.map((name) => join(tmpdir(), name)), ...shared];
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

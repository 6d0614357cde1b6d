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
 * Remembers the host's state when it is made and tells what has come or gone since. Interfaces, routes and sysctls count whoever
 * changed them; of everything else what names one of the words that stand for us, such as a cluster's name.
 */
export class LeakGuard {
  readonly #before: HostState;
  readonly #words: readonly string[];

  private constructor(before: HostState, words: readonly string[]) {
    this.#before = before;
    this.#words = words;
  }

  /** Takes the words that are known before anything is started. */
  static async open(words: readonly string[] = []): Promise<LeakGuard> {
    return new LeakGuard(await readHostState(words), words);
  }

  /**
   * Returns the differences to the state at the start, `+` what is new and `-` what is gone; empty when the host is as it was.
   * A process is ours where its arguments, environment, cgroup or mounts name one of the words.
   */
  async leaks(moreWords: readonly string[] = []): Promise<string[]> {
    const words = [...this.#words, ...moreWords];
    const after = await readHostState(words);
    return Object.entries(this.#before).flatMap(([aspect, before]) => {
      const isNamed = (line: string) => UNNAMED.has(aspect) || words.some((word) => line.includes(word));
      const lines = differences(before, after[aspect as Aspect]);
      // Only processes of ours were listed.
      return lines.filter((line) => aspect === "processes" || isNamed(line)).map((line) => `${aspect}: ${line}`);
    });
  }
}

/** What does not carry a name of its maker. */
const UNNAMED: ReadonlySet<string> = new Set<Aspect>(["interfaces", "routes", "sysctls"]);

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
  // One that has ended and waits for its parent to notice has no arguments any more.
  if (command === "") return [];
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

import { mkdir, readFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { messageOf } from "../base/coded-error.ts";
import { type CniConfig, CniPlugins, type CniResult } from "./cni.ts";
import { KeyedMutex } from "../base/keyed-mutex.ts";
import { setSysctl } from "../linux/namespaces.ts";
import { closeForwarding, type ForwardRequest, openForwarding } from "./forward-policy.ts";
import { checkedHostPorts, type HostPort, hostPortChains, type PodHostPorts } from "./host-ports.ts";
import { enableIpForwarding, restoreIpForwarding } from "./ip-forwarding.ts";
import { NetworkError } from "./network-error.ts";
import { applyRules, removeTable } from "./nftables.ts";

export interface PodNetworkOptions {
  /** Id of the cluster; names our table, configuration and marks. Lower-case letters, digits and `-`. */
  readonly instance: string;
  /** Where addresses in use are kept; must outlive restarts. */
  readonly dataDir: string;
  /** Directory that all clusters of this host share, for what belongs to the host. */
  readonly hostDir: string;
  readonly plugins?: CniPlugins;
}

/** What a pod got. */
export interface PodAddresses {
  readonly ip: string;
  readonly additionalIps: readonly string[];
}

export interface NetworkStatus {
  readonly ready: boolean;
  readonly reason: string;
  readonly message: string;
}

/** The network of one cluster's pods on this machine: an address each, routed to the others, masqueraded to the world. */
export class PodNetwork {
  readonly #options: PodNetworkOptions;
  readonly #plugins: CniPlugins;
  readonly #rulesLock = new KeyedMutex();
  readonly #hostPorts = new Map<string, PodHostPorts>();
  #podCidr: string | undefined;
  #status: NetworkStatus = { ready: false, reason: "NetworkPluginNotReady", message: "the pod range is not known yet" };

  constructor(options: PodNetworkOptions) {
    this.#options = options;
    this.#plugins = options.plugins ?? new CniPlugins();
  }

  /** Whether pods get addresses, and what is in the way of their packets. */
  get status(): NetworkStatus {
    return this.#status;
  }

  /** Sets the range of this machine's pods and makes the kernel route them. Safe to repeat, also to mend what others undid. */
  async configure(podCidr: string): Promise<void> {
    try {
      const missing = this.#plugins.missing([...PLUGINS]);
      if (missing.length > 0) throw pluginsMissing(missing);
      if (!/^[\d./]+$/.test(podCidr))
        throw new NetworkError("NOT_CONFIGURED", `Cannot use the pod range "${podCidr}": not IPv4`);
      await mkdir(this.#options.dataDir, { recursive: true, mode: 0o700 });
      await enableIpForwarding(this.#forwarding);
      await this.#applyRules(podCidr);
      const obstacles = await openForwarding(this.#forwardRequest(podCidr));
      this.#podCidr = podCidr;
      this.#status = { ready: true, reason: "", message: obstacles.join("; ") };
    } catch (error) {
      this.#status = { ready: false, reason: "NetworkPluginNotReady", message: messageOf(error) };
      throw error;
    }
  }

  /** Gives the pod in a namespace an address and an interface `eth0`, and opens its host ports. Throws `NetworkError`. */
  async add(containerId: string, netns: string, hostPorts: readonly HostPort[] = []): Promise<PodAddresses> {
    const ports = checkedHostPorts(hostPorts);
    const config = this.#config();
    const result = await this.#plugins.run(config, {
      command: "ADD",
      containerId,
      netns,
      interfaceName: POD_INTERFACE,
    });
    try {
      const [ip, ...additionalIps] = addressesOf(result);
      if (ip === undefined) throw noAddress(config);
      if (ports.length > 0) await this.#openHostPorts(containerId, { ip, ports }, result);
      return { ip, additionalIps };
    } catch (error) {
      await this.remove(containerId, netns);
      throw error;
    }
  }

  /** Takes a pod's address, interface and host ports back. `netns` is empty where the namespace is gone. Idempotent. */
  async remove(containerId: string, netns: string): Promise<void> {
    // Without a range nothing was given since the start; what was before is taken back by `reconcile`.
    if (this.#podCidr === undefined) return;
    if (this.#hostPorts.delete(containerId)) await this.#applyRules(this.#podCidr);
    await this.#plugins.run(this.#config(), { command: "DEL", containerId, netns, interfaceName: POD_INTERFACE });
  }

  /** Opens the host ports of pods that an earlier run started. */
  async restoreHostPorts(pods: ReadonlyMap<string, PodHostPorts>): Promise<void> {
    for (const [containerId, pod] of pods) this.#hostPorts.set(containerId, pod);
    if (this.#podCidr !== undefined && pods.size > 0) await this.#applyRules(this.#podCidr);
  }

  /** Gives back the addresses of pods that are not among `containerIds`; for the start. Returns how many. */
  async reconcile(containerIds: ReadonlySet<string>): Promise<number> {
    const leases = await this.#leases();
    const stray = leases.filter(({ containerId }) => !containerIds.has(containerId));
    await Promise.all(stray.map(({ file }) => rm(file, { force: true })));
    return stray.length;
  }

  /** Removes everything of this cluster from the kernel's network settings. Idempotent. */
  async purge(podCidr: string): Promise<void> {
    await closeForwarding(this.#forwardRequest(podCidr));
    await removeTable(this.#table);
    await restoreIpForwarding(this.#forwarding);
    await rm(this.#options.dataDir, { recursive: true, force: true });
  }

  async #applyRules(podCidr: string): Promise<void> {
    // One at a time: of two, the one begun last must be the one that stays.
    await this.#rulesLock.run(this.#table, async () => {
      await applyRules(podRules(this.#table, podCidr, hostPortChains([...this.#hostPorts.values()])));
    });
  }

  async #openHostPorts(containerId: string, pod: PodHostPorts, result: CniResult): Promise<void> {
    // Answers to connections from the host's loopback come in here, addressed to it; the setting goes with the interface.
    const host = result.interfaces?.find(({ sandbox = "" }) => sandbox === "");
    if (host !== undefined) setSysctl(`net.ipv4.conf.${host.name}.route_localnet`, "1");
    this.#hostPorts.set(containerId, pod);
    await this.#applyRules(this.#podCidr ?? "");
  }

  get #table(): string {
    return `berth-${this.#options.instance}`;
  }

  get #forwarding(): { directory: string; instance: string } {
    return { directory: join(this.#options.hostDir, "ip-forwarding"), instance: this.#options.instance };
  }

  #forwardRequest(podCidr: string): ForwardRequest {
    return { podCidr, mark: this.#table };
  }

  #config(): CniConfig {
    if (this.#podCidr === undefined) {
      throw new NetworkError("NOT_CONFIGURED", "Cannot set up a pod's network: the pod range is not known yet");
    }
    const ipam = {
      type: "host-local",
      ranges: [[{ subnet: this.#podCidr }]],
      routes: [{ dst: "0.0.0.0/0" }],
      dataDir: this.#options.dataDir,
    };
    return { cniVersion: "1.0.0", name: this.#table, type: "ptp", ipMasq: false, ipam };
  }

  /** host-local keeps a file for each address, named for it, with the container's id in its first line. */
  async #leases(): Promise<{ file: string; containerId: string }[]> {
    const directory = join(this.#options.dataDir, this.#table);
    const names = await readdir(directory).catch(() => []);
    const files = names.filter((name) => /^[\d.]+$/.test(name)).map((name) => join(directory, name));
    return await Promise.all(
      files.map(async (file) => ({ file, containerId: (await readFile(file, "utf8")).split(/\s/)[0] ?? "" })),
    );
  }
}

const POD_INTERFACE = "eth0";
const PLUGINS = ["ptp", "host-local"] as const;

/** Returns our whole table. Deleting it first, in the same transaction, makes this safe to repeat. */
function podRules(table: string, podCidr: string, hostPorts: string): string {
  return `
add table inet ${table}
delete table inet ${table}
table inet ${table} {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${podCidr} ip daddr != ${podCidr} ip daddr != 224.0.0.0/4 masquerade
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    ip saddr ${podCidr} accept
    ip daddr ${podCidr} accept
  }${hostPorts}
}
`;
}

function addressesOf(result: CniResult): string[] {
  return (result.ips ?? []).map(({ address }) => address.split("/")[0] ?? "").filter(Boolean);
}

function noAddress({ name }: CniConfig): NetworkError {
  return new NetworkError("PLUGIN_FAILED", `Cannot ADD the network "${name}": the plugin gave no address`);
}

function pluginsMissing(names: readonly string[]): NetworkError {
  return new NetworkError(
    "PROGRAM_MISSING",
    `Cannot set up pod networks: the CNI plugins ${names.join(", ")} are missing`,
    {
      hint: "Install the package containernetworking-plugins of your distribution",
    },
  );
}

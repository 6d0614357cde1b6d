import { hostname } from "node:os";
import { resolve } from "node:path";

import { Command, InvalidArgumentError, Option } from "commander";

import type { ClusterOptions } from "../instance/cluster-options.ts";
import { findInstance, type Instance, type InstanceRequest } from "../instance/open-instance.ts";
import { registryOptionsOf } from "../instance/registry-options.ts";
import { CliError } from "./cli-error.ts";
import { applyConfigFile } from "./config-file.ts";

/** The cluster that is meant where none is named. */
export const DEFAULT_NAME = "berth";

/** The flags that say which cluster is meant. */
export interface IdentityFlags {
  readonly name: string;
  readonly dataDir?: string;
  readonly config?: string;
}

/** The flags of `up` and `server`. */
export interface ClusterFlags extends IdentityFlags {
  readonly httpsListenPort?: number;
  readonly writeKubeconfig?: string;
  readonly node: boolean;
  readonly nodeName?: string;
  readonly nodeExternalIp?: string;
  readonly enableAdmissionPlugins: readonly string[];
  readonly privateRegistry?: string;
  readonly hostsDir?: string;
  readonly disableDefaultRegistryEndpoint?: boolean;
  readonly allowRegistryRealm: readonly string[];
  readonly kubeletConfig?: string;
  readonly verbose: number;
}

/** Adds the flags that say which cluster is meant. */
export function addIdentityFlags(command: Command): Command {
  return command
    .option("--name <name>", "name of the cluster", DEFAULT_NAME)
    .option("-d, --data-dir <dir>", "where the cluster keeps its data (default: /var/lib/berth/<name>)", toAbsolute)
    .option(
      "-c, --config <file>",
      "a YAML file whose keys are these flags (default: /etc/berth/config.yaml)",
      toAbsolute,
    );
}

/** Adds the flags of commands that start a cluster. */
export function addClusterFlags(command: Command): Command {
  return addIdentityFlags(command)
    .option(
      "--https-listen-port <port>",
      "port of the API server; 0 for any free one (default: 6443, or the next free)",
      toPort,
    )
    .option("--write-kubeconfig <file>", "write the kubeconfig there and leave the user's own alone", toAbsolute)
    .option("--no-node", "the API alone, without pods; needs no root")
    .option("--node-name <name>", `name of the node (default: ${hostname().toLowerCase()})`)
    .option("--node-external-ip <address>", "address shown as the node's ExternalIP")
    .addOption(
      new Option("--enable-admission-plugins <names>", "admission plugins beside the default ones, with commas between")
        .argParser(toList)
        .default([], "none"),
    )
    .option(
      "--private-registry <file>",
      "mirrors, credentials and TLS of registries (default: /etc/berth/registries.yaml, /etc/rancher/k3s/registries.yaml)",
      toAbsolute,
    )
    .option(
      "--hosts-dir <dir>",
      "REGISTRY/hosts.toml as containerd has it (default: /etc/berth/certs.d, /etc/containerd/certs.d)",
      toAbsolute,
    )
    .option("--disable-default-registry-endpoint", "ask a registry that has mirrors never itself")
    .addOption(
      new Option("--allow-registry-realm <pairs>", "REGISTRY=HOST of token services outside a registry's own domain")
        .argParser(toRealmPairs)
        .default([], "none"),
    )
    .option(
      "--kubelet-config <file>",
      "settings of the node: a KubeletConfiguration (kubelet.config.k8s.io/v1beta1)",
      toAbsolute,
    )
    .option("-v, --verbose", "more log lines", (_: string, previous: number) => previous + 1, 0);
}

/** Returns the flags of `command` with what its config file adds. Throws `CliError` with code `CONFIG_INVALID`. */
export async function readFlags<Flags extends IdentityFlags>(command: Command): Promise<Flags> {
  const { config } = command.opts<IdentityFlags>();
  await applyConfigFile({ command, all: addClusterFlags(new Command()), path: config });
  return command.opts<Flags>();
}

/** Returns what the flags say about how the cluster is to run. */
export function clusterOptionsOf(flags: ClusterFlags): ClusterOptions {
  return {
    node: flags.node,
    nodeName: flags.nodeName,
    nodeExternalIp: flags.nodeExternalIp,
    admissionPlugins: flags.enableAdmissionPlugins,
    verbosity: flags.verbose,
    hostCredentials: true,
    registries: registryOptionsOf({
      file: flags.privateRegistry,
      hostsDirectory: flags.hostsDir,
      mirrorsOnly: flags.disableDefaultRegistryEndpoint,
      allowedRealms: flags.allowRegistryRealm,
    }),
    kubeletConfig: flags.kubeletConfig,
  };
}

/** Returns which cluster the flags mean. */
export function instanceRequestOf(flags: IdentityFlags & Partial<ClusterFlags>): InstanceRequest {
  return { name: flags.name, dataDir: flags.dataDir, apiPort: flags.httpsListenPort };
}

/** Returns the cluster the flags mean. Throws `CliError` with code `NOT_RUNNING` where there is none. */
export async function existingInstance(flags: IdentityFlags, verb: string): Promise<Instance> {
  const instance = await findInstance(instanceRequestOf(flags));
  if (instance !== undefined) return instance;
  throw new CliError("NOT_RUNNING", `Cannot ${verb} cluster "${flags.name}": there is none of that name`, {
    hint: `Start it: berth up${flags.name === DEFAULT_NAME ? "" : ` --name ${flags.name}`}`,
  });
}

function toPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("It is not a port from 0 to 65535.");
}

function toList(text: string): string[] {
  return text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

function toRealmPairs(text: string, before: unknown): string[] {
  const pairs = toList(text);
  const wrong = pairs.find((pair) => !/^[^=/\s]+=[^=/\s]+$/.test(pair));
  if (wrong !== undefined) throw new InvalidArgumentError("It must read REGISTRY=HOST, both with their port if any.");
  return [...(Array.isArray(before) ? (before as string[]) : []), ...pairs];
}

function toAbsolute(path: string): string {
  return resolve(path);
}

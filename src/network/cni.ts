import { accessSync, constants } from "node:fs";
import { join } from "node:path";

import { run } from "../base/process/run.ts";
import { NetworkError } from "./network-error.ts";

/** A network configuration of CNI spec 1.0 for one plugin. */
export interface CniConfig {
  readonly cniVersion: string;
  readonly name: string;
  readonly type: string;
  readonly [key: string]: unknown;
}

/** What a plugin is asked to do, and for which container's interface. */
export interface CniRequest {
  readonly command: "ADD" | "DEL" | "CHECK";
  readonly containerId: string;
  /** Path of the network namespace; empty on DEL where it is gone. */
  readonly netns: string;
  readonly interfaceName: string;
}

/** What ADD answers (CNI spec 1.0, Success), the part that we use. */
export interface CniResult {
  /** Those without `sandbox` are the host's ends. */
  readonly interfaces?: readonly { readonly name: string; readonly sandbox?: string }[];
  readonly ips?: readonly { readonly address: string; readonly gateway?: string }[];
  readonly [key: string]: unknown;
}

/** CNI plugins as programs on this machine. */
export class CniPlugins {
  readonly #directories: readonly string[];

  constructor(directories: readonly string[] = PLUGIN_DIRECTORIES) {
    this.#directories = directories;
  }

  /** Returns those of `names` that are not installed. */
  missing(names: readonly string[]): string[] {
    return names.filter((name) => this.#find(name) === undefined);
  }

  /** Runs one plugin. Throws `NetworkError` with the plugin's own message. */
  async run(config: CniConfig, request: CniRequest): Promise<CniResult> {
    const program = this.#find(config.type);
    if (program === undefined) throw pluginMissing(config.type);
    const { exitCode, stdout, stderr } = await run([program], {
      env: this.#environment(request),
      input: JSON.stringify(config),
      timeoutMs: PLUGIN_TIMEOUT_MS,
    });
    if (exitCode !== 0) throw pluginFailed(config, request, `${stdout.toString()}\n${stderr.toString()}`);
    const text = stdout.toString().trim();
    return text === "" ? {} : (JSON.parse(text) as CniResult);
  }

  #environment(request: CniRequest): Record<string, string> {
    return {
      CNI_COMMAND: request.command,
      CNI_CONTAINERID: request.containerId,
      CNI_NETNS: request.netns,
      CNI_IFNAME: request.interfaceName,
      CNI_PATH: this.#directories.join(":"),
      PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin",
    };
  }

  #find(name: string): string | undefined {
    return this.#directories.map((directory) => join(directory, name)).find(isExecutable);
  }
}

/** Debian keeps plugins in the first, most others in the second, Fedora in the third. */
const PLUGIN_DIRECTORIES: readonly string[] = ["/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"];
const PLUGIN_TIMEOUT_MS = 60_000;

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function pluginMissing(name: string): NetworkError {
  return new NetworkError("PROGRAM_MISSING", `Cannot run the CNI plugin "${name}": it is not installed`, {
    hint: "Install the package containernetworking-plugins of your distribution",
  });
}

function pluginFailed(config: CniConfig, request: CniRequest, output: string): NetworkError {
  const reason = errorMessage(output);
  const code = reason.includes("no IP addresses available") ? "NO_FREE_ADDRESS" : "PLUGIN_FAILED";
  const message = `Cannot ${request.command} the network "${config.name}" (CNI plugin ${config.type}): ${reason}`;
  return new NetworkError(code, message);
}

/** Plugins say why on standard output, as JSON (CNI spec 1.0, Error); broken ones on standard error. */
function errorMessage(output: string): string {
  try {
    const { msg, details } = JSON.parse(output.slice(output.indexOf("{"), output.lastIndexOf("}") + 1)) as {
      msg?: string;
      details?: string;
    };
    return [msg, details].filter(Boolean).join("; ");
  } catch {
    return output.trim().slice(0, 512);
  }
}

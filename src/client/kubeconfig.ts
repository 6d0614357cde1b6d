import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { codeOf } from "../base/coded-error.ts";
import { Secret } from "../base/secret.ts";
import { ClientError } from "./client-error.ts";
import { parseKubeconfig } from "./kubeconfig-file.ts";
import { kubeconfigFiles } from "./kubeconfig-location.ts";
import type { RestConfig } from "./rest-config.ts";

/** Which context to load; by default the current one of the files that kubectl would use. */
export interface LoadKubeconfigOptions {
  readonly path?: string;
  readonly context?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** What a kubeconfig says about one context. */
export interface LoadedContext {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly config: RestConfig;
}

/**
 * Returns how to reach the cluster of a context. Of several files the first that has an entry wins; paths within a file are relative
 * to it. Throws `ClientError` with code `KUBECONFIG_INVALID`, naming what is missing but never quoting the file.
 */
export async function loadKubeconfig(options: LoadKubeconfigOptions = {}): Promise<LoadedContext> {
  const paths = options.path === undefined ? await kubeconfigFiles(options.env) : [options.path];
  const files = (await Promise.all(paths.map(readKubeconfig))).filter((file) => file !== undefined);
  const [first] = paths;
  if (files.length === 0) throw invalid(first ?? "", "there is no such file");
  const name = options.context ?? files.map((file) => file.content["current-context"]).find(Boolean);
  if (name === undefined) throw invalid(first ?? "", "it has no current context");
  const context = find(files, "contexts", name).value;
  return { name, namespace: context.namespace, config: await restConfigOf(files, context) };
}

interface KubeconfigContent {
  readonly "current-context"?: string;
  readonly clusters?: readonly { readonly name: string; readonly cluster?: ClusterEntry }[] | null;
  readonly contexts?: readonly { readonly name: string; readonly context?: ContextEntry }[] | null;
  readonly users?: readonly { readonly name: string; readonly user?: UserEntry }[] | null;
}

interface ContextEntry {
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
}

interface ClusterEntry {
  readonly server?: string;
  readonly "certificate-authority"?: string;
  readonly "certificate-authority-data"?: string;
  readonly "insecure-skip-tls-verify"?: boolean;
  readonly "tls-server-name"?: string;
}

interface UserEntry {
  readonly "client-certificate"?: string;
  readonly "client-certificate-data"?: string;
  readonly "client-key"?: string;
  readonly "client-key-data"?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly exec?: object;
}

interface KubeconfigFile {
  readonly path: string;
  readonly content: KubeconfigContent;
}

interface Entries {
  readonly clusters: ClusterEntry;
  readonly contexts: ContextEntry;
  readonly users: UserEntry;
}

const FIELD = { clusters: "cluster", contexts: "context", users: "user" } as const;

const EMPTY = {};

interface Found<T> {
  readonly path: string;
  readonly value: T;
}

async function readKubeconfig(path: string): Promise<KubeconfigFile | undefined> {
  try {
    const document = await parseKubeconfig(await readFile(path, "utf8"), path);
    return { path, content: document.toJS() as KubeconfigContent };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function find<List extends keyof Entries>(
  files: readonly KubeconfigFile[],
  list: List,
  name: string | undefined,
): Found<Entries[List]> {
  for (const { path, content } of files) {
    const entry = content[list]?.find((candidate) => candidate.name === name) as
      | Record<string, Entries[List]>
      | undefined;
    if (entry !== undefined) return { path, value: entry[FIELD[list]] ?? EMPTY };
  }
  throw invalid(files[0]?.path ?? "", `it has no ${FIELD[list]} "${name ?? ""}"`);
}

async function restConfigOf(files: readonly KubeconfigFile[], context: ContextEntry): Promise<RestConfig> {
  const cluster = find(files, "clusters", context.cluster);
  const user = find(files, "users", context.user);
  const { server } = cluster.value;
  if (server === undefined) throw invalid(cluster.path, `its cluster "${context.cluster ?? ""}" has no server`);
  if (user.value.exec !== undefined) throw invalid(user.path, "exec credential plugins are not supported");
  const key = await textOf(user, "client-key");
  const token = user.value.token ?? (await fileText(user, user.value.tokenFile))?.trim();
  return {
    server,
    ca: await textOf(cluster, "certificate-authority"),
    cert: await textOf(user, "client-certificate"),
    key: key === undefined ? undefined : new Secret(key),
    token: token === undefined ? undefined : new Secret(token),
    tlsServerName: cluster.value["tls-server-name"],
    insecureSkipTlsVerify: cluster.value["insecure-skip-tls-verify"],
  };
}

/** Returns what `<field>-data` holds, else the file that `<field>` names. */
async function textOf(found: Found<object>, field: string): Promise<string | undefined> {
  const value = found.value as Readonly<Record<string, unknown>>;
  const data = value[`${field}-data`];
  if (typeof data === "string" && data !== "") return Buffer.from(data, "base64").toString("utf8");
  return await fileText(found, value[field]);
}

async function fileText(found: Found<object>, path: unknown): Promise<string | undefined> {
  if (typeof path !== "string" || path === "") return undefined;
  const absolute = resolve(dirname(found.path), path);
  try {
    return await readFile(absolute, "utf8");
  } catch (error) {
    throw invalid(found.path, `"${absolute}", which it names, cannot be read (${codeOf(error) ?? "unknown error"})`);
  }
}

function invalid(path: string, reason: string): ClientError {
  return new ClientError("KUBECONFIG_INVALID", `Cannot use kubeconfig "${path}": ${reason}`);
}

import type { Secret } from "../base/secret.ts";
import type { Document, YAMLMap, YAMLSeq } from "yaml";
import { ClientError } from "./client-error.ts";

/** A context with the cluster and user of the same name, as one cluster's owner writes it. */
export interface KubeconfigContext {
  readonly name: string;
  /** Which installation writes it: tells its own context from one that happens to have the name. */
  readonly instance: string;
  readonly server: string;
  /** PEM text, as are the other two. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string | Secret;
}

/** What a context of ours remembers, in the extension that kubeconfig has for programs. */
export interface ContextMark {
  readonly instance: string;
  /** The current context before ours became it. */
  readonly previousContext?: string;
  /** Whether the file was made for this context. */
  readonly createdFile?: boolean;
}

const EXTENSION = "berth";
const LISTS = ["clusters", "users", "contexts"] as const;

/** Adds or replaces a context in a kubeconfig, and makes it the current one. Throws `ClientError` with `FOREIGN_CONTEXT`. */
export function putContext(document: Document, context: KubeconfigContext, createdFile: boolean): void {
  const mark = markOf(document, context.name);
  const isTaken = LISTS.some((list) => findEntry(document, list, context.name) !== undefined);
  if (isTaken && mark?.instance !== context.instance) throw foreign(context.name);
  const current = document.get("current-context");
  const previousContext = current === context.name ? mark?.previousContext : nonEmpty(current);
  const newMark = {
    instance: context.instance,
    ...(previousContext !== undefined && { previousContext }),
    ...((createdFile || mark?.createdFile === true) && { createdFile: true }),
  };
  for (const [list, entry] of Object.entries(entriesOf(context, newMark))) putEntry(document, list, entry);
  document.set("current-context", context.name);
}

/**
 * Removes a context that `instance` wrote, with its cluster and user, and makes the one before it current again. Returns what it
 * remembered; undefined where there is no such context, or it is another's.
 */
export function takeContext(document: Document, name: string, instance: string): ContextMark | undefined {
  const mark = markOf(document, name);
  if (mark?.instance !== instance) return undefined;
  for (const list of LISTS) deleteEntry(document, list, name);
  if (document.get("current-context") !== name) return mark;
  const { previousContext = "" } = mark;
  const isThere = findEntry(document, "contexts", previousContext) !== undefined;
  document.set("current-context", isThere ? previousContext : "");
  return mark;
}

/** Returns a kubeconfig of this context alone, made without the YAML library: a server writes one at each start. */
export function kubeconfigText(context: KubeconfigContext): string {
  // A JSON string is a YAML string, whatever it holds.
  const [name, instance, server] = [context.name, context.instance, context.server].map((text) => JSON.stringify(text));
  return `apiVersion: v1
kind: Config
preferences: {}
clusters:
- name: ${name}
  cluster:
    server: ${server}
    certificate-authority-data: ${base64(context.ca)}
users:
- name: ${name}
  user:
    client-certificate-data: ${base64(context.cert)}
    client-key-data: ${base64(revealed(context.key))}
contexts:
- name: ${name}
  context:
    cluster: ${name}
    user: ${name}
    extensions:
    - name: ${EXTENSION}
      extension:
        instance: ${instance}
        createdFile: true
current-context: ${name}
`;
}

/** Whether a kubeconfig names no cluster, user or context. */
export function isEmptyKubeconfig(document: Document): boolean {
  return LISTS.every((list) => (listOf(document, list)?.items.length ?? 0) === 0);
}

function entriesOf(context: KubeconfigContext, mark: ContextMark): Readonly<Record<(typeof LISTS)[number], object>> {
  const { name } = context;
  const key = revealed(context.key);
  return {
    clusters: { name, cluster: { server: context.server, "certificate-authority-data": base64(context.ca) } },
    users: { name, user: { "client-certificate-data": base64(context.cert), "client-key-data": base64(key) } },
    contexts: { name, context: { cluster: name, user: name, extensions: [{ name: EXTENSION, extension: mark }] } },
  };
}

function revealed(key: string | Secret): string {
  return typeof key === "string" ? key : key.reveal();
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

function listOf(document: Document, list: string): YAMLSeq<YAMLMap> | undefined {
  const value = document.get(list);
  return typeof value === "object" && value !== null && "items" in value ? (value as YAMLSeq<YAMLMap>) : undefined;
}

function findEntry(document: Document, list: string, name: string): YAMLMap | undefined {
  return listOf(document, list)?.items.find((entry) => entry.get("name") === name);
}

function putEntry(document: Document, list: string, entry: object): void {
  const entries = listOf(document, list);
  if (entries === undefined) {
    document.set(list, document.createNode([entry]));
    return;
  }
  const node = document.createNode(entry) as unknown as YAMLMap;
  const at = entries.items.findIndex((present) => present.get("name") === node.get("name"));
  // An empty list is often written `[]`; what is added to it should still be lines.
  if (entries.items.length === 0) entries.flow = false;
  if (at < 0) entries.items.push(node);
  else entries.items[at] = node;
}

function deleteEntry(document: Document, list: string, name: string): void {
  const entries = listOf(document, list);
  if (entries !== undefined) entries.items = entries.items.filter((entry) => entry.get("name") !== name);
}

function markOf(document: Document, name: string): ContextMark | undefined {
  const entry = findEntry(document, "contexts", name)?.toJSON() as ContextEntry | undefined;
  return entry?.context?.extensions?.find((extension) => extension.name === EXTENSION)?.extension;
}

interface ContextEntry {
  readonly context?: {
    readonly extensions?: readonly { readonly name?: string; readonly extension?: ContextMark }[] | null;
  } | null;
}

function nonEmpty(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function foreign(name: string): ClientError {
  return new ClientError(
    "FOREIGN_CONTEXT",
    `Cannot write context "${name}": the kubeconfig has one that is another's`,
    {
      hint: `Choose another cluster name, or remove it: kubectl config delete-context ${name}`,
    },
  );
}

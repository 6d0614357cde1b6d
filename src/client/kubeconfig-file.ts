import { chown, mkdir, readFile, realpath, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Document } from "yaml";
import { writeFileAtomic } from "../base/atomic-write.ts";
import { codeOf } from "../base/coded-error.ts";
import { ClientError } from "./client-error.ts";
import { lockKubeconfig } from "./kubeconfig-lock.ts";
import {
  type KubeconfigContext,
  isEmptyKubeconfig,
  kubeconfigText,
  putContext,
  takeContext,
} from "./kubeconfig-context.ts";
import type { KubeconfigLocation } from "./kubeconfig-location.ts";

/**
 * Adds a context to a kubeconfig, or replaces it where the same instance wrote it, and makes it current; comments and unknown
 * keys stay. The file has mode 0600, and its owner stays. Throws `ClientError` with code `FOREIGN_CONTEXT`, `KUBECONFIG_LOCKED`
 * or `KUBECONFIG_INVALID`.
 */
export async function mergeContext(location: KubeconfigLocation, context: KubeconfigContext): Promise<void> {
  await makeDirectory(location);
  await using file = await openForChange(location);
  putContext(file.document, context, file.isNew);
  await file.write();
}

/**
 * Removes the context `name` that `instance` wrote, and makes the one before it current again; the file too where it was made for
 * that context and has no other. Returns whether there was one.
 */
export async function removeContext(location: KubeconfigLocation, name: string, instance: string): Promise<boolean> {
  if (!(await exists(location.path))) return false;
  await using file = await openForChange(location);
  const mark = takeContext(file.document, name, instance);
  if (mark === undefined) return false;
  if (mark.createdFile === true && isEmptyKubeconfig(file.document)) await rm(location.path, { force: true });
  else await file.write();
  return true;
}

/** Writes a kubeconfig that has this context alone, over what was there. Durable and atomic; mode 0600. */
export async function writeKubeconfig(location: KubeconfigLocation, context: KubeconfigContext): Promise<void> {
  await makeDirectory(location);
  await writeFileAtomic(location.path, kubeconfigText(context), { owner: location.owner });
}

/** Returns a kubeconfig as an editable document; an empty one as the smallest valid. Throws `KUBECONFIG_INVALID`. */
export async function parseKubeconfig(text: string, path: string): Promise<Document> {
  const { isMap, parseDocument } = await import("yaml");
  const document = parseDocument(text.trim() === "" ? EMPTY : text, { version: "1.1" });
  const [error] = document.errors;
  if (error !== undefined || !isMap(document.contents)) {
    const line = error?.linePos?.[0].line;
    // The parser's own message quotes the file, which holds keys.
    const reason = line === undefined ? "it is not a YAML mapping" : `line ${line} is not valid YAML`;
    throw new ClientError("KUBECONFIG_INVALID", `Cannot read kubeconfig "${path}": ${reason}`);
  }
  return document;
}

const EMPTY = "apiVersion: v1\nkind: Config\npreferences: {}\nclusters: []\ncontexts: []\nusers: []\n";

interface FileForChange extends AsyncDisposable {
  readonly document: Document;
  readonly isNew: boolean;
  write(): Promise<void>;
}

async function openForChange(location: KubeconfigLocation): Promise<FileForChange> {
  const lock = await lockKubeconfig(location.path);
  try {
    // Renaming over a symbolic link would replace the link, not the file it names.
    const target = await realpath(location.path).catch(() => location.path);
    const text = await readIfThere(target);
    const document = await parseKubeconfig(text ?? "", location.path);
    const owner = (await ownerOf(target)) ?? location.owner;
    const write = (): Promise<void> => writeFileAtomic(target, textOf(document), { owner });
    return { document, isNew: text === undefined, write, [Symbol.asyncDispose]: () => lock[Symbol.asyncDispose]() };
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

function textOf(document: Document): string {
  // As kubectl lays its own file out, so that little changes besides ours; a folded line would break base64.
  return document.toString({ lineWidth: 0, indentSeq: false, flowCollectionPadding: false });
}

async function makeDirectory({ path, owner }: KubeconfigLocation): Promise<void> {
  const first = await mkdir(dirname(path), { recursive: true, mode: 0o750 });
  if (first !== undefined && owner !== undefined) await chown(dirname(path), owner.uid, owner.gid);
}

async function ownerOf(path: string): Promise<KubeconfigLocation["owner"]> {
  // Only root may give files away.
  if (process.geteuid?.() !== 0) return undefined;
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? undefined : { uid: found.uid, gid: found.gid };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

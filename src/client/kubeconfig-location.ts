import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/** The kubeconfig that is the user's own. */
export interface KubeconfigLocation {
  readonly path: string;
  /** Who must own the file when we make it: under sudo the caller, else absent. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** Returns the first file of `KUBECONFIG`, else `~/.kube/config`; under sudo that of the user who called it. */
export async function userKubeconfig(env: NodeJS.ProcessEnv = process.env): Promise<KubeconfigLocation> {
  const owner = sudoCaller(env);
  const path = kubeconfigList(env)[0] ?? join(await homeOf(owner?.uid, env), ".kube", "config");
  return owner === undefined ? { path } : { path, owner };
}

/** Returns all files that kubectl would merge, the first of which wins. */
export async function kubeconfigFiles(env: NodeJS.ProcessEnv = process.env): Promise<readonly string[]> {
  const listed = kubeconfigList(env);
  return listed.length > 0 ? listed : [(await userKubeconfig(env)).path];
}

function kubeconfigList(env: NodeJS.ProcessEnv): readonly string[] {
  return (env["KUBECONFIG"] ?? "").split(delimiter).filter((path) => path !== "");
}

function sudoCaller(env: NodeJS.ProcessEnv): KubeconfigLocation["owner"] {
  const uid = Number(env["SUDO_UID"] ?? Number.NaN);
  const gid = Number(env["SUDO_GID"] ?? Number.NaN);
  // Anybody may set these variables; only to root do they say who asked.
  if (process.geteuid?.() !== 0 || !isId(uid) || !isId(gid) || uid === 0) return undefined;
  return { uid, gid };
}

function isId(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

async function homeOf(uid: number | undefined, env: NodeJS.ProcessEnv): Promise<string> {
  const own = env["HOME"] ?? homedir();
  if (uid === undefined) return own;
  const passwd = await readFile("/etc/passwd", "utf8").catch(() => "");
  const entry = passwd.split("\n").find((line) => line.split(":")[2] === String(uid));
  return entry?.split(":")[5] ?? own;
}

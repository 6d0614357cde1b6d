import { CriError } from "../cri/cri-error.ts";
import type { ContainerUser } from "./engine-records.ts";
import { readFileInRootfs } from "./file-in-rootfs.ts";

/** Who a container's process is to be. */
export interface UserRequest {
  /** The container's root file system, in which names are looked up. */
  readonly rootfs: string;
  /** `user[:group]` of the image: names or numbers, from whoever built it. */
  readonly imageUser: string;
  readonly runAsUser?: number | undefined;
  readonly runAsUsername?: string | undefined;
  readonly runAsGroup?: number | undefined;
  readonly supplementalGroups: readonly number[];
}

/** Returns the numbers of a container's user, as containerd finds them. Throws `CriError` (`INVALID_ARGUMENT`). */
export function resolveUser(request: UserRequest): ContainerUser {
  const { runAsUser, runAsUsername, runAsGroup, rootfs } = request;
  const isOverridden = runAsUser !== undefined || (runAsUsername !== undefined && runAsUsername !== "");
  const [userText = "", groupText = ""] = isOverridden
    ? [runAsUser === undefined ? (runAsUsername ?? "") : String(runAsUser)]
    : splitUser(request.imageUser);
  const passwd = lookUpUser(rootfs, userText === "" ? "0" : userText);
  const gid = runAsGroup ?? (groupText === "" ? passwd.gid : lookUpGroup(rootfs, groupText));
  const memberOf = passwd.name === undefined || groupText !== "" ? [] : groupsOf(rootfs, passwd.name);
  // With the primary group among them, files that a group is denied stay denied to its members (CVE-2022-36109).
  const groups = new Set([gid, ...memberOf, ...request.supplementalGroups]);
  return { uid: checkedId(passwd.uid, userText), gid: checkedId(gid, groupText), supplementalGroups: [...groups] };
}

// An image can hold files of any size; a larger one is an attack, not a user database.
const MAX_DATABASE_BYTES = 1024 * 1024;
// Larger numbers turn negative, and so root, in programs that hold them in 32 bits (CVE-2024-40635).
const MAX_ID = 2 ** 31 - 1;

interface PasswdEntry {
  readonly name?: string;
  readonly uid: number;
  readonly gid: number;
}

function splitUser(text: string): [string, string] {
  const colon = text.indexOf(":");
  return colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)];
}

function lookUpUser(rootfs: string, text: string): PasswdEntry {
  const entries = readDatabase(rootfs, "/etc/passwd").map(([name = "", , uid = "", gid = ""]) => ({ name, uid, gid }));
  const isNumber = /^\d+$/.test(text);
  const found =
    entries.find((entry) => entry.name === text) ?? (isNumber ? entries.find(({ uid }) => uid === text) : undefined);
  if (found !== undefined) return { name: found.name, uid: parseId(found.uid), gid: parseId(found.gid) };
  if (isNumber) return { uid: Number(text), gid: 0 };
  throw unknownName("user", text, "/etc/passwd");
}

function lookUpGroup(rootfs: string, text: string): number {
  const entries = readDatabase(rootfs, "/etc/group");
  const found = entries.find(([name]) => name === text);
  if (found !== undefined) return parseId(found[2] ?? "");
  if (/^\d+$/.test(text)) return Number(text);
  throw unknownName("group", text, "/etc/group");
}

function groupsOf(rootfs: string, name: string): number[] {
  const entries = readDatabase(rootfs, "/etc/group");
  return entries.flatMap(([, , gid = "", members = ""]) => (members.split(",").includes(name) ? [parseId(gid)] : []));
}

function readDatabase(rootfs: string, path: string): string[][] {
  try {
    const text = readFileInRootfs(rootfs, path, MAX_DATABASE_BYTES) ?? "";
    return text.split("\n").flatMap((line) => (line.includes(":") ? [line.trim().split(":")] : []));
  } catch (cause) {
    throw new CriError(
      "INVALID_ARGUMENT",
      `Cannot look up the user of the container: "${path}" of the image is unreadable`,
      {
        cause,
      },
    );
  }
}

function parseId(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

function checkedId(id: number, text: string): number {
  if (Number.isInteger(id) && id >= 0 && id <= MAX_ID) return id;
  throw new CriError("INVALID_ARGUMENT", `Cannot run as "${text}": its number is not between 0 and ${MAX_ID}`);
}

function unknownName(kind: string, name: string, file: string): CriError {
  return new CriError(
    "INVALID_ARGUMENT",
    `Cannot run as the ${kind} "${name.slice(0, 128)}": "${file}" of the image has no such ${kind}`,
  );
}

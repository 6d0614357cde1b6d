/** Who makes a request. */
export interface UserInfo {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** The user of a request that proved nothing. */
export const ANONYMOUS: UserInfo = { name: "system:anonymous", groups: ["system:unauthenticated"] };

/** The group whose members may do everything. */
export const MASTERS_GROUP = "system:masters";

/** The group of everybody who proved who they are. */
export const AUTHENTICATED_GROUP = "system:authenticated";

const NODE_PREFIX = "system:node:";

/** Returns the node that a user is, if it is one. */
export function nodeNameOf(user: UserInfo): string | undefined {
  if (!user.name.startsWith(NODE_PREFIX) || !user.groups.includes("system:nodes")) return undefined;
  const name = user.name.slice(NODE_PREFIX.length);
  return name === "" ? undefined : name;
}

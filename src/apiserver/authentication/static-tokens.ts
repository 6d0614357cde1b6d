import { createHash, timingSafeEqual } from "node:crypto";
import { unauthorizedStatus } from "../../api/status.ts";
import type { Secret } from "../../base/secret.ts";
import type { Authenticator } from "./authenticate.ts";
import type { UserInfo } from "./user-info.ts";

/** A bearer token and whom it stands for. */
export interface StaticToken {
  readonly token: Secret;
  readonly user: UserInfo;
}

/** Knows users by tokens that never change. It is the last to look at a bearer token, so it refuses one nobody knows. */
export function authenticateStaticTokens(tokens: readonly StaticToken[]): Authenticator {
  const known = tokens.map(({ token, user }) => ({ digest: digestOf(token.reveal()), user }));
  return ({ headers }) => {
    const token = /^Bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1];
    if (token === undefined) return Promise.resolve(undefined);
    const digest = digestOf(token);
    // Digests have one length and comparing them takes one time, whatever the token.
    const found = known.find((candidate) => timingSafeEqual(candidate.digest, digest));
    if (found === undefined) throw unauthorizedStatus();
    return Promise.resolve(found.user);
  };
}

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

import { homedir } from "node:os";

import { InvalidArgumentError } from "commander";

import { createNodeFileCredentials, nodeFileSearchPaths } from "../credentials/node-files.ts";
import { CriError } from "../cri/cri-error.ts";
import type { AuthConfig } from "../cri/image-service.ts";
import { createKeyring } from "../keyring/keyring.ts";
import { OciError } from "../oci/oci-error.ts";
import { parseReference } from "../oci/reference.ts";
import { CliError } from "./cli-error.ts";

export interface CredentialSearch {
  readonly image: string;
  /** Of the command line: it alone is tried then. */
  readonly creds: AuthConfig | undefined;
  /** The kubelet's root directory, the first place where a node looks for credentials. */
  readonly kubeletDir: string;
}

/**
 * Runs `attempt` with each credential that docker's config files hold for an image, in the node's order, and at last with none;
 * returns when one succeeds. Throws the first refusal.
 */
export async function withCredentials(
  search: CredentialSearch,
  attempt: (auth: AuthConfig | undefined) => Promise<void>,
): Promise<void> {
  const auths = search.creds === undefined ? await candidatesFor(search) : [search.creds];
  let refusal: CriError | undefined;
  for (const auth of auths) {
    try {
      await attempt(auth);
      return;
    } catch (error) {
      if (!(error instanceof CriError && mayBeForWantOfCredential(error))) throw error;
      refusal ??= error;
    }
  }
  if (refusal !== undefined) throw withHint(refusal, search);
}

/** What a pod's owner could do is no help to who types a command. */
function withHint(refusal: CriError, { creds }: CredentialSearch): CriError {
  if (refusal.code !== "UNAUTHENTICATED") return refusal;
  const hint =
    creds === undefined
      ? "Give a credential: --creds user:password, or docker's ~/.docker/config.json"
      : "Check the user name and password, and that they may use this repository.";
  return new CriError(refusal.code, refusal.message, { cause: refusal, hint });
}

/** Reads `user:password`. */
export function parseCreds(text: string): AuthConfig {
  const colon = text.indexOf(":");
  if (colon <= 0) throw new InvalidArgumentError("It is not of the form user:password.");
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

async function candidatesFor({ image, kubeletDir }: CredentialSearch): Promise<readonly (AuthConfig | undefined)[]> {
  const files = nodeFileSearchPaths({ rootDir: kubeletDir, workingDir: process.cwd(), home: homedir() });
  const { found, passedOver } = await createNodeFileCredentials(files).read();
  for (const { path, problem } of passedOver) process.stderr.write(`Passed over "${path}": ${problem}\n`);
  if (found === undefined) return [undefined];
  const candidates = createKeyring([[found]]).lookup(repositoryOf(image));
  return [...candidates.map(({ auth }) => ({ username: auth.username, password: auth.password.reveal() })), undefined];
}

function repositoryOf(image: string): string {
  try {
    return parseReference(image).repository;
  } catch (error) {
    if (error instanceof OciError) throw new CliError("FLAG_INVALID", error.message, { cause: error });
    throw error;
  }
}

/** Registries hide what one may not see behind "not found". */
function mayBeForWantOfCredential({ code }: CriError): boolean {
  return code === "UNAUTHENTICATED" || code === "NOT_FOUND" || code === "UNKNOWN";
}

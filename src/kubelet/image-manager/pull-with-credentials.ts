import { codeOf, messageOf } from "../../base/coded-error.ts";
import type { AuthConfig } from "../../cri/image-service.ts";
import { formatCredentialSource } from "../../keyring/credential-source.ts";
import type { CredentialCandidate, Keyring } from "../../keyring/keyring.ts";

/** One attempt at a pull with at most one credential. */
export type PullAttempt = (auth: AuthConfig | undefined) => Promise<string>;

export interface PullSearch {
  /** The normalised repository that credentials are matched by. */
  readonly repository: string;
  readonly keyring: Keyring;
  /** Problems met before any registry was asked, e.g. an unreadable secret; told with a failure. */
  readonly notes: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * Tries each credential that matches, in order, and at last none; returns the first image reference got. Throws `PullFailure`, whose
 * message tells every answer and whose credential it was for.
 */
export async function pullWithCredentials(attempt: PullAttempt, search: PullSearch): Promise<string> {
  const candidates = search.keyring.lookup(search.repository);
  const answers: Answer[] = [];
  for (const candidate of [...candidates, undefined]) {
    search.signal.throwIfAborted();
    try {
      return await attempt(candidate === undefined ? undefined : authOf(candidate));
    } catch (error) {
      search.signal.throwIfAborted();
      answers.push({ candidate, error });
      // Another credential does not make a silent registry answer; waiting once is enough.
      if (codeOf(error) === "DEADLINE_EXCEEDED") break;
    }
  }
  throw new PullFailure(answers, search);
}

/** A pull that failed with every credential there is. */
export class PullFailure extends Error {
  /** The word of CRI that a runtime's message may start with to say what kind of failure it is. */
  readonly reason: "RegistryUnavailable" | "SignatureValidationFailed" | undefined;

  constructor(answers: readonly Answer[], search: PullSearch) {
    const last = answers.at(-1);
    super(describeFailure(answers, search), { cause: last?.error });
    this.name = "PullFailure";
    this.reason = REASONS.find((reason) => answers.every(({ error }) => messageOf(error).startsWith(reason)));
  }
}

const REASONS = ["RegistryUnavailable", "SignatureValidationFailed"] as const;

interface Answer {
  /** Undefined for the anonymous try. */
  readonly candidate: CredentialCandidate | undefined;
  readonly error: unknown;
}

function authOf({ auth }: CredentialCandidate): AuthConfig {
  return { username: auth.username, password: auth.password.reveal() };
}

function describeFailure(answers: readonly Answer[], { keyring, repository, notes }: PullSearch): string {
  const broken = keyring.broken.map(
    (entry) => `entry "${entry.key}" of ${formatCredentialSource(entry.source)} ignored: ${entry.problem}`,
  );
  return [describeAnswers(answers, repository), ...broken, ...notes].join("; ");
}

function describeAnswers(answers: readonly Answer[], repository: string): string {
  const [only] = answers;
  if (answers.length === 1 && only !== undefined && only.candidate === undefined) {
    const message = messageOf(only.error);
    // Any other answer would have come with a credential too: to name its absence would lead astray.
    if (codeOf(only.error) !== "UNAUTHENTICATED") return message;
    return `${message} (asked anonymously: no credential is for "${repository}")`;
  }
  // Credentials that got the same answer share it, in the order asked.
  const byMessage = Map.groupBy(answers, ({ error }) => messageOf(error));
  const texts = [...byMessage].map(([message, group]) => `${group.map(describeWho).join(" and ")}: ${message}`);
  return texts.length === 1 ? texts.join("") : `[${texts.join(", ")}]`;
}

function describeWho({ candidate }: Answer): string {
  if (candidate === undefined) return "anonymously";
  return `with ${formatCredentialSource(candidate.source)} (entry "${candidate.key}")`;
}

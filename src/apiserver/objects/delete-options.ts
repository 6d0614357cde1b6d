import type { DeleteOptions, Preconditions } from "../../api/meta-v1.gen.ts";
import { badRequestStatus } from "../../api/status.ts";
import type { ApiRequest } from "../http/api-request.ts";
import { decodeOptional } from "./decode-body.ts";
import { integerOf, isDryRun } from "./request-options.ts";

/** What a client wants of a deletion. */
export interface DeletionWish {
  /** Seconds; undefined leaves it to the object. */
  readonly gracePeriodSeconds: number | undefined;
  readonly preconditions: Preconditions;
  readonly dryRun: boolean;
}

const POLICIES: ReadonlySet<string> = new Set(["Background", "Foreground", "Orphan"]);

/** Reads delete options from the body and the query. Throws `StatusError`. */
export async function readDeletionWish(request: ApiRequest): Promise<DeletionWish> {
  const options: Partial<DeleteOptions> = await decodeOptional(request);
  const gracePeriodSeconds = options.gracePeriodSeconds ?? integerOf(request, "gracePeriodSeconds");
  if (gracePeriodSeconds !== undefined && !Number.isSafeInteger(gracePeriodSeconds)) {
    throw badRequestStatus("gracePeriodSeconds is not a whole number");
  }
  const policy = options.propagationPolicy ?? request.query.get("propagationPolicy") ?? "Background";
  if (!POLICIES.has(policy)) throw badRequestStatus(`propagationPolicy: Unsupported value: ${JSON.stringify(policy)}`);
  warnOfPolicy(request, options.orphanDependents === true ? "Orphan" : policy);
  return {
    gracePeriodSeconds,
    preconditions: options.preconditions ?? {},
    dryRun: isDryRun(options.dryRun ?? request.query.getAll("dryRun"), "DeleteOptions"),
  };
}

// Nothing collects objects by their owners yet: no deletion reaches dependents, whatever its policy.
const UNHONOURED_POLICIES: ReadonlyMap<string, string> = new Map([
  ["Foreground", "propagationPolicy Foreground is not honoured: dependents are neither deleted nor waited for"],
  ["Orphan", "propagationPolicy Orphan is not honoured: dependents stay, and still name their owner"],
]);

function warnOfPolicy({ warnings }: ApiRequest, policy: string): void {
  const warning = UNHONOURED_POLICIES.get(policy);
  if (warning !== undefined) warnings.push(warning);
}

import type { Cause } from "./cause.ts";

/** Everything one pull did, as data: events, `berth why`, progress bars and the page are views of it. Holds no secret. */
export interface PullTrace {
  readonly pullId: string;
  /** The reference as asked for. */
  readonly image: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly finishedAt?: number;
  readonly requests: readonly RequestTrace[];
  readonly platform?: string;
  /** Digest of the manifest that was chosen. */
  readonly manifestDigest?: string;
  readonly layers: readonly LayerTrace[];
  readonly outcome?:
    | { readonly kind: "pulled"; readonly imageRef: string }
    | { readonly kind: "failed"; readonly cause: Cause; readonly message: string };
}

/** One request to an endpoint and its answer. */
export interface RequestTrace {
  readonly method: string;
  /** Without user info and query values. */
  readonly url: string;
  /** Which credential went with it, by its source; absent for anonymous. */
  readonly credential?: string;
  readonly status?: number;
  /** What the registry wants the user to know (RFC 7234 §5.5), e.g. that something will end. */
  readonly warning?: string;
  /** What went wrong where there was no answer. */
  readonly error?: string;
  readonly durationMs: number;
}

export interface LayerTrace {
  readonly digest: string;
  readonly size: number;
  readonly state: "waiting" | "downloading" | "unpacking" | "done" | "present" | "failed";
  readonly downloadedBytes: number;
  readonly startedAt?: number;
  readonly finishedAt?: number;
}

import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

import { CriError } from "../cri/cri-error.ts";
import type { PullRequest } from "../cri/image-administration.ts";
import { normalizePlatform, type Platform } from "../oci/platform.ts";
import { parseReference } from "../oci/reference.ts";
import type { PullTrace } from "../trace/pull-trace.ts";
import { credentialOfAuth } from "./credential-of-auth.ts";
import { fetchOtherPlatforms } from "./fetch-other-platforms.ts";
import type { ImageContext } from "./image-context.ts";
import { keepImage } from "./keep-image.ts";
import { pullImage } from "./pull-image.ts";
import { pullError } from "./to-cri-error.ts";

/** How often a pull's trace is looked at. */
const INTERVAL_MS = 200;

/** Pulls an image for an administrator and yields the trace as it grows, the finished one last. Throws `CriError`. */
export async function* watchPull(
  context: ImageContext,
  request: PullRequest,
  signal?: AbortSignal,
): AsyncGenerator<PullTrace> {
  const pullId = randomUUID();
  const given = new AbortController();
  const both = signal === undefined ? given.signal : AbortSignal.any([signal, given.signal]);
  const pulling = pull(context, request, { pullId, signal: both });
  const settled = pulling.then(
    () => true,
    () => true,
  );
  try {
    let shown = "";
    for (let isDone = false; !isDone;) {
      // Finished work must not wait for the interval.
      isDone = await Promise.race([settled, interval(settled, both)]);
      const trace = context.traces.find(pullId);
      const text = JSON.stringify(trace);
      if (trace !== undefined && text !== shown) yield trace;
      shown = text;
    }
    await pulling;
  } finally {
    given.abort(new DOMException("Nobody waits for the pull", "AbortError"));
    await settled;
  }
}

interface PullOptions {
  readonly pullId: string;
  readonly signal: AbortSignal;
}

async function pull(context: ImageContext, request: PullRequest, { pullId, signal }: PullOptions): Promise<void> {
  const { image, auth } = request;
  const platform = request.platform === undefined ? context.platform : parsePlatform(request.platform);
  const pullRequest = { image: { image }, pullId, ...(auth === undefined ? {} : { auth }) };
  const id = await pullImage({ ...context, platform }, pullRequest, signal);
  await keepImage(context, id);
  if (request.allPlatforms !== true) return;
  try {
    const reference = parseReference(image);
    const repository = context.registry.openRepository({ reference, credential: credentialOfAuth(auth, reference) });
    await fetchOtherPlatforms(context, { id, repository, signal });
  } catch (error) {
    throw pullError(image, error, signal);
  }
}

function parsePlatform(text: string): Platform {
  const [os = "", architecture = "", variant, ...rest] = text.split("/");
  if (os === "" || architecture === "" || rest.length > 0) {
    const reason = "a platform is os/architecture[/variant], e.g. linux/arm64";
    throw new CriError("INVALID_ARGUMENT", `Cannot pull for "${text.slice(0, 100)}": ${reason}`);
  }
  return normalizePlatform({ os, architecture, ...(variant === undefined ? {} : { variant }) });
}

async function interval(settled: Promise<boolean>, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(INTERVAL_MS, undefined, { signal });
    return false;
  } catch {
    // An aborted pull ends by itself.
    return await settled;
  }
}

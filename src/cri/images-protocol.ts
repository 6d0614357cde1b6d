/**
 * The wire form of `ImageAdministration` on a Unix socket: HTTP/1.1, `POST /berth.images.v1/<method>` with the arguments as
 * a JSON list (for `load` the archive itself). A method that returns a promise answers with JSON, `save` with the archive,
 * another that yields with one JSON object a line. Errors are a status of 400 and above, or the last line.
 */
export const IMAGES_PATH = "/berth.images.v1/";

/** Arguments and errors are small: whoever sends more is no client of ours. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** An error on the wire. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** A line of an answer that yields. */
export type WireEvent = { readonly event: unknown } | { readonly error: WireError };

import { REDACTED } from "../base/secret.ts";

/** Returns a URL as text without user info and query values: signed URLs carry secrets in both. */
export function redactUrl(url: URL): string {
  const keys = [...new Set(url.searchParams.keys())].map((key) => `${key}=${REDACTED}`);
  return `${url.origin}${url.pathname}${keys.length === 0 ? "" : `?${keys.join("&")}`}`;
}

import { InstanceError } from "./instance-error.ts";

/** Throws `InstanceError` with code `INVALID_NAME` unless `name` can name a cluster: an RFC 1123 label of at most 40 characters. */
export function checkInstanceName(name: string): void {
  if (name.length <= 40 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name)) return;
  throw new InstanceError(
    "INVALID_NAME",
    `Cannot use ${JSON.stringify(name)} as a cluster name: it is not an RFC 1123 label`,
    {
      hint: "Use at most 40 lower case letters, digits and '-', beginning and ending with a letter or digit",
    },
  );
}

import type { Lease } from "../coordination-v1.gen.ts";
import { invalid } from "../field-error.ts";
import type { FieldErrors } from "./checks.ts";

/** Checks a lease. */
export function* validateLease(lease: Lease): FieldErrors {
  const { leaseDurationSeconds, leaseTransitions } = lease.spec ?? {};
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) {
    yield invalid("spec.leaseDurationSeconds", leaseDurationSeconds, "must be greater than 0");
  }
  if (leaseTransitions !== undefined && leaseTransitions < 0) {
    yield invalid("spec.leaseTransitions", leaseTransitions, "must be greater than or equal to 0");
  }
}

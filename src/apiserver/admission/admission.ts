import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import type { ResourceType } from "../../api/resource-types.ts";
import type { UserInfo } from "../authentication/user-info.ts";
import type { Stores } from "../store/stores.ts";

/** A write that is about to happen. */
export interface AdmissionRequest {
  readonly operation: "CREATE" | "UPDATE" | "DELETE";
  readonly type: ResourceType;
  readonly subresource?: string | undefined;
  readonly namespace?: string | undefined;
  /** Empty where the server has yet to make one up. */
  readonly name: string;
  /** What is to be stored; `admit` may change it. Absent for deletions. */
  readonly object?: KubernetesObject;
  /** What is stored now; absent for creations. */
  readonly old?: KubernetesObject;
  readonly user: UserInfo;
}

/** A rule about writes. It may be asked several times about one request. */
export interface AdmissionPlugin {
  /** As in `--enable-admission-plugins`. */
  readonly name: string;
  /** Changes the object, or throws `StatusError`. Comes before validation. */
  admit?(request: AdmissionRequest, stores: Stores): Promise<void>;
  /** Throws `StatusError` where the write may not be. Comes after validation. */
  validate?(request: AdmissionRequest, stores: Stores): Promise<void>;
}

/** The plug-ins in their order, and what they may look at. */
export interface Admission {
  readonly admission: readonly AdmissionPlugin[];
  readonly stores: Stores;
}

/** Lets every plug-in change the object, in their order. */
export async function admit({ admission, stores }: Admission, request: AdmissionRequest): Promise<void> {
  for (const plugin of admission) await plugin.admit?.(request, stores);
}

/** Asks every plug-in whether the write may be. */
export async function validateAdmission({ admission, stores }: Admission, request: AdmissionRequest): Promise<void> {
  for (const plugin of admission) await plugin.validate?.(request, stores);
}

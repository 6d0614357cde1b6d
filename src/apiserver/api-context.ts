import type { Logger } from "../base/log.ts";
import type { Storage } from "../storage/storage.ts";
import type { AdmissionPlugin } from "./admission/admission.ts";
import type { KubeletConnector } from "./kubelet/kubelet-connector.ts";
import type { Stores } from "./store/stores.ts";

/** What handlers share. */
export interface ApiContext {
  readonly stores: Stores;
  readonly storage: Storage;
  readonly admission: readonly AdmissionPlugin[];
  readonly kubelets: KubeletConnector;
  readonly logger: Logger;
}

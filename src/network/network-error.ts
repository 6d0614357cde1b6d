import { CodedError } from "../base/coded-error.ts";

/** What goes wrong between us and CNI plugins, nftables or the kernel's network settings. */
export class NetworkError extends CodedError<NetworkErrorCode> {}

export type NetworkErrorCode =
  /** A CNI plugin or `nft` is not on this machine. */
  | "PROGRAM_MISSING"
  /** The range of pod addresses is not known yet. */
  | "NOT_CONFIGURED"
  /** Every address of the range is in use. */
  | "NO_FREE_ADDRESS"
  | "PLUGIN_FAILED"
  | "RULES_REFUSED";

import { CodedError } from "../base/coded-error.ts";

/** Why a call did not get an answer from the API server, or a kubeconfig could not be used. */
export type ClientErrorCode =
  /** No connection could be made. */
  | "UNREACHABLE"
  /** The connection broke before the answer was complete; whether the server acted is unknown. */
  | "CONNECTION_LOST"
  /** The server took longer than the call's time-out. */
  | "TIMEOUT"
  /** The answer is not what the protocol allows: not JSON, too large, an unknown event. */
  | "BAD_RESPONSE"
  | "CLOSED"
  /** A kubeconfig cannot be read, or lacks what is asked for. */
  | "KUBECONFIG_INVALID"
  | "KUBECONFIG_LOCKED"
  /** The kubeconfig has a context of that name that somebody else wrote. */
  | "FOREIGN_CONTEXT";

/** The error of the client room. */
export class ClientError extends CodedError<ClientErrorCode> {}

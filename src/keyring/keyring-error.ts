import { CodedError } from "../base/coded-error.ts";

/** The error of the keyring room. Its messages name keys and positions, never the content of a credential. */
export class KeyringError extends CodedError<KeyringErrorCode> {}

/** `MALFORMED_CONFIG`: not JSON, or not of a docker config's shape. `MISSING_KEY`: a secret without the data its type asks for. */
export type KeyringErrorCode = "MALFORMED_CONFIG" | "MISSING_KEY";

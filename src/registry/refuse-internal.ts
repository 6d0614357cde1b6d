import { isForbiddenAddress } from "./network-address.ts";
import { RegistryError } from "./registry-error.ts";

/** Who chose an address: `trusted` for the one in the image's name, the others for one that a registry sent us to. */
export type AddressTrust = "trusted" | "remote" | "remote-from-loopback";

/** Throws `REDIRECT_REFUSED` where a registry sent us to an address that is internal to the node; loopback only where it is there itself. */
export function refuseInternal(host: string, address: AddressTrust): void {
  if (address === "trusted" || !isForbiddenAddress(host, address === "remote-from-loopback")) return;
  throw new RegistryError(
    "REDIRECT_REFUSED",
    `Cannot reach "${host}": a registry may not send us to an internal address`,
  );
}

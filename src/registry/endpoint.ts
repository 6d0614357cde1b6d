import type { Reference } from "../oci/reference.ts";
import { isLoopbackHost } from "./network-address.ts";

/** One place to ask for a repository. */
export interface Endpoint {
  /** `host[:port]` of the distribution API. */
  readonly host: string;
  /** Whether plain HTTP may be spoken where the server does not speak TLS. */
  readonly allowsPlainHttp: boolean;
  /** Whether the credential for the image's registry is for this endpoint too; never so for mirrors. */
  readonly isOrigin: boolean;
}

/** Returns where to ask for an image, in this order. */
export type Hosts = (reference: Reference) => readonly Endpoint[];

/** The image's own registry alone; plain HTTP only on this machine. */
export const originHosts: Hosts = ({ domain }) => [
  {
    // docker.io serves the web site; its API has a host of its own.
    host: domain === "docker.io" ? "registry-1.docker.io" : domain,
    allowsPlainHttp: isLoopbackHost(domain.replace(/:\d+$/, "")),
    isOrigin: true,
  },
];

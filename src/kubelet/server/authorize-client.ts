import type { DetailedPeerCertificate, PeerCertificate, TLSSocket } from "node:tls";

/** Who asks a kubelet, by a certificate of the cluster's authority. */
export interface ClientIdentity {
  readonly user: string;
  readonly groups: readonly string[];
}

/** Returns who the peer of a connection proved to be, or undefined where it proved nothing. */
export function identifyClient(socket: TLSSocket): ClientIdentity | undefined {
  if (!socket.authorized) return undefined;
  const { subject } = socket.getPeerCertificate() as PartialCertificate;
  const [user] = listOf(subject?.CN);
  return user === undefined || user === "" ? undefined : { user, groups: listOf(subject?.O) };
}

/** Whether a client may use the kubelet's API: the API server and administrators, nobody else. */
export function mayUseKubelet({ user, groups }: ClientIdentity): boolean {
  return user === "kube-apiserver-kubelet-client" || groups.includes("system:masters");
}

/** Without a certificate the object is empty. */
type PartialCertificate = Partial<PeerCertificate | DetailedPeerCertificate>;

/** An attribute that a subject has several times is a list, though its type says text. */
function listOf(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === "string" ? [value] : value;
}

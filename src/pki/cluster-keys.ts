import { X509Certificate } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic-write.ts";
import { lockFile } from "../base/file-lock.ts";
import type { Secret } from "../base/secret.ts";
import {
  type CertificateAuthority,
  createAuthority,
  createSigningKey,
  issueClientCertificate,
  issueServingCertificate,
  type KeyPair,
} from "./key-pair.ts";
import { publicKeyOf, readKeyPair, readSigningKey, writeKeyPair, writeSigningKey } from "./key-pair-file.ts";

/** Every key of one cluster. */
export interface ClusterKeys {
  /** Signs every certificate below; clients and servers trust it alone. */
  readonly ca: CertificateAuthority;
  /** The API server's own certificate. */
  readonly serving: KeyPair;
  /** The administrator's, in the group `system:masters`. */
  readonly admin: KeyPair;
  /** By which the API server proves itself to kubelets. */
  readonly kubeletClient: KeyPair;
  readonly controllerManager: KeyPair;
  readonly scheduler: KeyPair;
  /** Present where a node name was given. */
  readonly node?: NodeKeys;
  /** Signs service-account tokens. */
  readonly serviceAccount: SigningKey;
}

/** The keys of one node. */
export interface NodeKeys {
  /** By which the kubelet proves itself: user `system:node:<name>`, group `system:nodes`. */
  readonly client: KeyPair;
  /** The certificate of the kubelet's own server. */
  readonly serving: KeyPair;
}

/** A key and its public half, both PEM. */
export interface SigningKey {
  readonly privateKey: Secret;
  readonly publicKey: string;
}

/** What the certificates are to say. */
export interface ClusterKeysOptions {
  /** DNS names and IP addresses of the API server besides the usual ones. */
  readonly names?: readonly string[];
  readonly node?: { readonly name: string; readonly names?: readonly string[] };
}

/**
 * Opens the keys in `directory` and makes what is missing, about to expire, or not for the wanted names. The authority
 * stays the same for good. Several processes may open the same keys at once. Throws `PkiError`.
 */
export async function openKeys(directory: string, options: ClusterKeysOptions = {}): Promise<ClusterKeys> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await using _lock = await lockFile(join(directory, "lock"), { waitMs: LOCK_WAIT_MS });
  const [ca, serviceAccount] = await Promise.all([openAuthority(directory), openSigningKey(directory)]);
  const open = (name: string, wanted: WantedCertificate) => openCertificate(join(directory, `${name}.pem`), ca, wanted);
  const [serving, admin, kubeletClient, controllerManager, scheduler, node] = await Promise.all([
    open("apiserver", { commonName: "kube-apiserver", names: [...USUAL_NAMES, ...(options.names ?? [])] }),
    open("admin", { commonName: "kubernetes-admin", organizations: ["system:masters"] }),
    open("apiserver-kubelet-client", { commonName: "kube-apiserver-kubelet-client" }),
    open("controller-manager", { commonName: "system:kube-controller-manager" }),
    open("scheduler", { commonName: "system:kube-scheduler" }),
    options.node === undefined ? undefined : openNodeKeys(open, options.node),
  ]);
  const keys = { ca, serving, admin, kubeletClient, controllerManager, scheduler, serviceAccount };
  return node === undefined ? keys : { ...keys, node };
}

const LOCK_WAIT_MS = 10_000;
const DAY_MS = 86_400_000;
const AUTHORITY_RENEWAL_DAYS = 730;
const LEAF_RENEWAL_DAYS = 90;
const USUAL_NAMES = [
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  "kubernetes.default.svc.cluster.local",
  "localhost",
  "127.0.0.1",
  "::1",
] as const;

interface WantedCertificate {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  /** Makes it a serving certificate; without, it is a client's. */
  readonly names?: readonly string[];
}

type OpenCertificate = (name: string, wanted: WantedCertificate) => Promise<KeyPair>;

async function openNodeKeys(open: OpenCertificate, node: NonNullable<ClusterKeysOptions["node"]>): Promise<NodeKeys> {
  const commonName = `system:node:${node.name}`;
  const organizations = ["system:nodes"];
  const names = [node.name, "localhost", "127.0.0.1", ...(node.names ?? [])];
  const [client, serving] = await Promise.all([
    open("kubelet-client", { commonName, organizations }),
    open("kubelet", { commonName, organizations, names }),
  ]);
  return { client, serving };
}

async function openAuthority(directory: string): Promise<CertificateAuthority> {
  const path = join(directory, "ca.pem");
  const existing = await readKeyPair(path);
  if (existing !== undefined && daysLeft(new X509Certificate(existing.certificate)) > AUTHORITY_RENEWAL_DAYS) {
    return existing;
  }
  // The same key again: what it signed stays good, and a client that trusts the old certificate trusts the new ones.
  const ca = await createAuthority("kubernetes", existing?.key);
  await writeKeyPair(path, ca);
  await writeFileAtomic(join(directory, "ca.crt"), ca.certificate, { mode: 0o644 });
  return ca;
}

async function openSigningKey(directory: string): Promise<SigningKey> {
  const path = join(directory, "service-account.key");
  let privateKey = await readSigningKey(path);
  if (privateKey === undefined) {
    privateKey = await createSigningKey();
    await writeSigningKey(path, privateKey);
  }
  return { privateKey, publicKey: publicKeyOf(privateKey.reveal()) ?? "" };
}

async function openCertificate(path: string, ca: CertificateAuthority, wanted: WantedCertificate): Promise<KeyPair> {
  const existing = await readKeyPair(path);
  if (existing !== undefined && isGood(existing, ca, wanted)) return existing;
  const { names, ...subject } = wanted;
  const pair = await (names === undefined
    ? issueClientCertificate(ca, subject)
    : issueServingCertificate(ca, { ...subject, names: [...new Set(names)] }));
  await writeKeyPair(path, pair);
  return pair;
}

function isGood(pair: KeyPair, ca: CertificateAuthority, wanted: WantedCertificate): boolean {
  const certificate = new X509Certificate(pair.certificate);
  const subject = [...(wanted.organizations ?? []).map((text) => `O=${text}`), `CN=${wanted.commonName}`].join("\n");
  return (
    daysLeft(certificate) > LEAF_RENEWAL_DAYS &&
    certificate.subject === subject &&
    certificate.verify(new X509Certificate(ca.certificate).publicKey) &&
    (wanted.names ?? []).every((name) => serves(certificate, name))
  );
}

function serves(certificate: X509Certificate, name: string): boolean {
  return (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
}

function daysLeft(certificate: X509Certificate): number {
  return (certificate.validToDate.getTime() - Date.now()) / DAY_MS;
}

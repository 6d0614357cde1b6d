import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, X509Certificate } from "node:crypto";
import { promisify } from "node:util";
import { Secret } from "../base/secret.ts";
import { type Signer, type Subject, signCertificate } from "./sign-certificate.ts";

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: Secret;
}

/** A certificate authority: its certificate, and its key to sign with. */
export type CertificateAuthority = KeyPair;

/** The holder of a client certificate: user and groups. */
export type ClientCertificateRequest = Subject;

/** The holder of a serving certificate, and the DNS names and IP addresses it serves under. */
export interface ServingCertificateRequest extends Subject {
  readonly names: readonly string[];
}

/** Returns a new authority, good for ten years. Signs with `key` where one is given, so that what it signed stays good. */
export async function createAuthority(commonName: string, key?: Secret): Promise<CertificateAuthority> {
  const privateKey = key === undefined ? await newKey() : createPrivateKey(key.reveal());
  const publicKey = createPublicKey(privateKey);
  const subject = { commonName };
  const request = { subject, publicKey, use: "authority", ...validFor(AUTHORITY_DAYS) } as const;
  return pairOf(await signCertificate(request, { subject, publicKey, privateKey }), privateKey);
}

/** Returns a certificate by which a user proves who it is, good for a year. */
export async function issueClientCertificate(
  ca: CertificateAuthority,
  subject: ClientCertificateRequest,
): Promise<KeyPair> {
  const privateKey = await newKey();
  const publicKey = createPublicKey(privateKey);
  const request = { subject, publicKey, use: "client", ...validFor(LEAF_DAYS) } as const;
  return pairOf(await signCertificate(request, signerOf(ca)), privateKey);
}

/** Returns a certificate to serve TLS with, good for a year. Throws `PkiError` with `INVALID_NAME`. */
export async function issueServingCertificate(
  ca: CertificateAuthority,
  { names, ...subject }: ServingCertificateRequest,
): Promise<KeyPair> {
  const privateKey = await newKey();
  const publicKey = createPublicKey(privateKey);
  const request = { subject, publicKey, names, use: "serving", ...validFor(LEAF_DAYS) } as const;
  return pairOf(await signCertificate(request, signerOf(ca)), privateKey);
}

/** Returns a new ECDSA key on P-256 as PKCS #8 PEM. */
export async function createSigningKey(): Promise<Secret> {
  return new Secret(pemOf(await newKey()));
}

const AUTHORITY_DAYS = 3650;
const LEAF_DAYS = 365;
const DAY_MS = 86_400_000;
// Clocks of other machines may be behind ours.
const BACKDATE_MS = 3_600_000;

const generate = promisify(generateKeyPair);

async function newKey(): Promise<KeyObject> {
  return (await generate("ec", { namedCurve: "P-256" })).privateKey;
}

function validFor(days: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - BACKDATE_MS), notAfter: new Date(now + days * DAY_MS) };
}

function signerOf(ca: CertificateAuthority): Signer {
  const certificate = new X509Certificate(ca.certificate);
  const commonName = /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? "";
  return { subject: { commonName }, publicKey: certificate.publicKey, privateKey: createPrivateKey(ca.key.reveal()) };
}

function pairOf(certificate: string, key: KeyObject): KeyPair {
  return { certificate, key: new Secret(pemOf(key)) };
}

function pemOf(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

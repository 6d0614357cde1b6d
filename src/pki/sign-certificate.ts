import { type KeyObject, randomBytes, type webcrypto } from "node:crypto";
import { isIP } from "node:net";
import type * as X509 from "@peculiar/x509";
import { PkiError } from "./pki-error.ts";

/** The holder of a certificate as Kubernetes reads it: the user and its groups. */
export interface Subject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
}

/** What a certificate is good for. */
export type CertificateUse = "authority" | "client" | "serving";

/** A certificate to be signed. */
export interface CertificateRequest {
  readonly subject: Subject;
  /** An ECDSA key on P-256. */
  readonly publicKey: KeyObject;
  readonly use: CertificateUse;
  /** DNS names and IP addresses. */
  readonly names?: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** Who signs: the authority's name and key. An authority signs its own certificate with these too. */
export interface Signer {
  readonly subject: Subject;
  /** ECDSA keys on P-256. */
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** Returns an X.509 v3 certificate as PEM (RFC 5280). Throws `PkiError` with `INVALID_NAME`. */
export async function signCertificate(request: CertificateRequest, signer: Signer): Promise<string> {
  const names = (request.names ?? []).map(alternativeName);
  const x509 = await loadX509();
  const [publicKey, authorityKey] = [verifyingKey(request.publicKey), verifyingKey(signer.publicKey)];
  const { digitalSignature, keyCertSign } = x509.KeyUsageFlags;
  const isAuthority = request.use === "authority";
  const extensions: X509.Extension[] = [
    new x509.BasicConstraintsExtension(isAuthority, undefined, true),
    new x509.KeyUsagesExtension(isAuthority ? keyCertSign : digitalSignature, true),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(authorityKey),
  ];
  if (request.use !== "authority") {
    extensions.push(new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage[EXTENDED_USE[request.use]]]));
  }
  if (names.length > 0) extensions.push(new x509.SubjectAlternativeNameExtension(names));
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    issuer: new x509.Name(nameOf(signer.subject)),
    subject: new x509.Name(nameOf(request.subject)),
    notBefore: request.notBefore,
    notAfter: request.notAfter,
    publicKey,
    signingKey: signer.privateKey.toCryptoKey(P256, false, ["sign"]),
    signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    extensions,
  });
  return `${certificate.toString("pem")}\n`;
}

const P256 = { name: "ECDSA", namedCurve: "P-256" } as const;
const EXTENDED_USE = { client: "clientAuth", serving: "serverAuth" } as const;

// Only what makes certificates pays for the library: a cluster that has its keys never loads it.
async function loadX509(): Promise<typeof X509> {
  // Its containers want the metadata functions to be there first.
  await import("reflect-metadata");
  return await import("@peculiar/x509");
}

function verifyingKey(key: KeyObject): webcrypto.CryptoKey {
  return key.toCryptoKey(P256, true, ["verify"]);
}

function nameOf({ commonName, organizations = [] }: Subject): X509.JsonNameParams {
  // Bare text would be read: what begins with "#" as hexadecimal.
  const groups = organizations.map((organization) => ({ O: [{ utf8String: organization }] }));
  return [...groups, { CN: [{ utf8String: commonName }] }];
}

function alternativeName(name: string): X509.JsonGeneralName {
  if (isIP(name) !== 0 && !name.includes("%")) return { type: "ip", value: name };
  if (DNS_NAME.test(name)) return { type: "dns", value: name };
  throw new PkiError("INVALID_NAME", `Cannot certify "${name}": it is neither a DNS name nor an IP address`);
}

const DNS_NAME = /^(?:\*\.)?[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*$/;

// RFC 5280 §4.1.2.2: positive, at most 20 octets; unguessable.
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}

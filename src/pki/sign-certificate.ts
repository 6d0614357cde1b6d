import { createHash, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import {
  derBitString,
  derBoolean,
  derExplicit,
  derImplicit,
  derObjectIdentifier,
  derOctetString,
  derSequence,
  derSetOf,
  derTime,
  derUnsignedInteger,
  derUtf8String,
} from "./der.ts";
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
  readonly publicKey: KeyObject;
  /** An ECDSA key on P-256. */
  readonly privateKey: KeyObject;
}

/** Returns an X.509 v3 certificate as PEM (RFC 5280). Throws `PkiError` with `INVALID_NAME`. */
export function signCertificate(request: CertificateRequest, signer: Signer): string {
  const body = derSequence(
    derExplicit(0, derUnsignedInteger(Buffer.from([2]))),
    derUnsignedInteger(serialNumber()),
    ECDSA_WITH_SHA256,
    nameOf(signer.subject),
    derSequence(derTime(request.notBefore), derTime(request.notAfter)),
    nameOf(request.subject),
    request.publicKey.export({ type: "spki", format: "der" }),
    derExplicit(3, derSequence(...extensionsOf(request, signer))),
  );
  const signature = sign("sha256", body, signer.privateKey);
  return pemOf("CERTIFICATE", derSequence(body, ECDSA_WITH_SHA256, derBitString(signature)));
}

const ECDSA_WITH_SHA256 = derSequence(derObjectIdentifier("1.2.840.10045.4.3.2"));
const COMMON_NAME = derObjectIdentifier("2.5.4.3");
const ORGANIZATION = derObjectIdentifier("2.5.4.10");

// RFC 5280 §4.2.1.3: bits count from the left. digitalSignature is 0, keyCertSign 5, cRLSign 6.
const SIGNATURE_ONLY = derBitString(Buffer.from([0b1000_0000]), 7);
const SIGNATURE_AND_CERTIFICATES = derBitString(Buffer.from([0b1000_0110]), 1);

const EXTENDED_USE = { client: "1.3.6.1.5.5.7.3.2", serving: "1.3.6.1.5.5.7.3.1" } as const;

function extensionsOf(request: CertificateRequest, signer: Signer): Buffer[] {
  const isAuthority = request.use === "authority";
  const extensions = [
    extension("2.5.29.19", true, isAuthority ? derSequence(derBoolean(true)) : derSequence()),
    extension("2.5.29.15", true, isAuthority ? SIGNATURE_AND_CERTIFICATES : SIGNATURE_ONLY),
    extension("2.5.29.14", false, derOctetString(keyIdentifier(request.publicKey))),
    extension("2.5.29.35", false, derSequence(derImplicit(0, keyIdentifier(signer.publicKey)))),
  ];
  if (request.use !== "authority") {
    extensions.push(extension("2.5.29.37", false, derSequence(derObjectIdentifier(EXTENDED_USE[request.use]))));
  }
  const names = request.names ?? [];
  if (names.length > 0) extensions.push(extension("2.5.29.17", false, derSequence(...names.map(alternativeName))));
  return extensions;
}

function extension(identifier: string, critical: boolean, value: Uint8Array): Buffer {
  const flag = critical ? [derBoolean(true)] : [];
  return derSequence(derObjectIdentifier(identifier), ...flag, derOctetString(value));
}

function nameOf(subject: Subject): Buffer {
  const organizations = (subject.organizations ?? []).map((text) => attribute(ORGANIZATION, text));
  return derSequence(...organizations, attribute(COMMON_NAME, subject.commonName));
}

function attribute(type: Buffer, text: string): Buffer {
  return derSetOf(derSequence(type, derUtf8String(text)));
}

function alternativeName(name: string): Buffer {
  const address = addressBytes(name);
  if (address !== undefined) return derImplicit(7, address);
  if (!DNS_NAME.test(name)) {
    throw new PkiError("INVALID_NAME", `Cannot certify "${name}": it is neither a DNS name nor an IP address`);
  }
  return derImplicit(2, Buffer.from(name, "ascii"));
}

const DNS_NAME = /^(?:\*\.)?[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*$/;

function addressBytes(text: string): Buffer | undefined {
  if (isIPv4(text)) return Buffer.from(text.split(".").map(Number));
  if (!isIPv6(text) || text.includes("%")) return undefined;
  // The URL parser writes dotted tails in hexadecimal; what is left is one gap to fill.
  const [head = "", tail] = new URL(`http://[${text}]`).hostname.slice(1, -1).split("::");
  const left = groupsOf(head);
  const right = groupsOf(tail ?? "");
  const gap = Array.from({ length: 8 - left.length - right.length }, () => 0);
  return Buffer.from([...left, ...gap, ...right].flatMap((group) => [group >> 8, group & 0xff]));
}

function groupsOf(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
}

// RFC 5280 §4.2.1.2, method 1: SHA-1 over the bits of the key, without their tag, length and unused bits.
function keyIdentifier(key: KeyObject): Buffer {
  const spki = key.export({ type: "spki", format: "der" });
  return createHash("sha1").update(spki.subarray(-P256_POINT_BYTES)).digest();
}

const P256_POINT_BYTES = 65;

// RFC 5280 §4.1.2.2: positive, at most 20 octets; unguessable.
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

function pemOf(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "../base/atomic-write.ts";
import { codeOf, messageOf } from "../base/coded-error.ts";
import { Secret } from "../base/secret.ts";
import type { KeyPair } from "./key-pair.ts";
import { PkiError } from "./pki-error.ts";

/** Reads a key pair from one PEM file; undefined where the file is missing. Throws `PkiError` with `UNREADABLE`. */
export async function readKeyPair(path: string): Promise<KeyPair | undefined> {
  const text = await readPem(path);
  if (text === undefined) return undefined;
  const certificate = /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n/s.exec(text)?.[0];
  const key = /-----BEGIN PRIVATE KEY-----.*?-----END PRIVATE KEY-----\n/s.exec(text)?.[0];
  if (certificate === undefined || key === undefined || !belongTogether(certificate, key)) {
    throw new PkiError("UNREADABLE", `Cannot read "${path}": it holds no certificate with its own key`, {
      hint: "Restore the file from a backup; or remove it, and a new one is made.",
    });
  }
  return { certificate, key: new Secret(key) };
}

/** Writes both halves to one file, durably: whatever happens, the file is complete or absent. Mode 0600. */
export async function writeKeyPair(path: string, pair: KeyPair): Promise<void> {
  await writePem(path, pair.certificate + pair.key.reveal());
}

/** Reads a private key; undefined where the file is missing. Throws `PkiError` with `UNREADABLE`. */
export async function readSigningKey(path: string): Promise<Secret | undefined> {
  const text = await readPem(path);
  if (text === undefined) return undefined;
  if (publicKeyOf(text) === undefined) {
    throw new PkiError("UNREADABLE", `Cannot read "${path}": it holds no private key`, {
      hint: "Restore the file from a backup: what was signed with it is refused without it.",
    });
  }
  return new Secret(text);
}

/** Writes a private key durably, mode 0600. */
export async function writeSigningKey(path: string, key: Secret): Promise<void> {
  await writePem(path, key.reveal());
}

/** Returns the public half of a PEM private key as PEM; undefined where the text is none. */
export function publicKeyOf(privateKey: string): string | undefined {
  try {
    return createPublicKey(createPrivateKey(privateKey)).export({ type: "spki", format: "pem" }).toString();
  } catch {
    // The reason would quote what may be a damaged secret.
    return undefined;
  }
}

function belongTogether(certificate: string, key: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

async function readPem(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw new PkiError("UNREADABLE", `Cannot read "${path}": ${messageOf(error)}`, { cause: error });
  }
}

async function writePem(path: string, text: string): Promise<void> {
  try {
    await writeFileAtomic(path, text, { mode: 0o600 });
  } catch (error) {
    throw new PkiError("UNWRITABLE", `Cannot write "${path}": ${messageOf(error)}`, { cause: error });
  }
}

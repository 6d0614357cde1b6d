import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";

import { codeOf } from "../../base/coded-error.ts";
import { Secret } from "../../base/secret.ts";
import type { TlsSettings } from "../tls-settings.ts";
import { configFault } from "./config-fault.ts";
import type { TlsFiles } from "./host-config.ts";

/** Reads the files of a host's TLS settings. Throws `RegistryError` with code `HOSTS_INVALID`, naming the file. */
export async function loadTls(files: TlsFiles | undefined): Promise<TlsSettings | undefined> {
  if (files === undefined) return undefined;
  const { ca, client, skipVerify } = files;
  const authorities = await Promise.all(ca.map(async (path) => checked(path, await readText(path), isCertificate)));
  return {
    ...(authorities.length === 0 ? {} : { ca: authorities }),
    ...(client === undefined
      ? {}
      : {
          client: {
            certificate: checked(client.certificate, await readText(client.certificate), isCertificate),
            key: new Secret(checked(client.key, await readText(client.key), isKey)),
          },
        }),
    ...(skipVerify ? { skipVerify } : {}),
  };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw configFault(path, undefined, `it cannot be read (${codeOf(error) ?? "unknown"})`, error);
  }
}

function checked(path: string, text: string, isValid: (text: string) => unknown): string {
  try {
    isValid(text);
    return text;
  } catch {
    throw configFault(path, undefined, "it holds no PEM certificate or key");
  }
}

function isCertificate(text: string): unknown {
  return new X509Certificate(text);
}

function isKey(text: string): unknown {
  return createPrivateKey(text);
}

import { BlockList, isIP } from "node:net";

import { bareHost, isLoopbackHost } from "./network-address.ts";
import { RegistryError } from "./registry-error.ts";

/** Which requests go through which proxy. */
export interface ProxySettings {
  readonly http?: URL | undefined;
  readonly https?: URL | undefined;
  /** Host names, `.suffixes`, addresses, CIDR ranges, each with or without a port; `*` for all. */
  readonly noProxy: readonly string[];
}

/**
 * Reads `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` (also in lower case) of an environment, as Go programs do. Throws
 * `RegistryError` with code `PROXY_FAILURE` where an address is none.
 */
export function proxySettingsOf(environment: Readonly<Record<string, string | undefined>>): ProxySettings {
  const read = (name: string) => environment[name] || environment[name.toLowerCase()] || undefined;
  return {
    http: proxyUrl("HTTP_PROXY", read("HTTP_PROXY")),
    https: proxyUrl("HTTPS_PROXY", read("HTTPS_PROXY")),
    noProxy: (read("NO_PROXY") ?? "")
      .split(",")
      .map((entry) => entry.trim().toLowerCase())
      .filter((entry) => entry !== ""),
  };
}

/** Returns the proxy for a URL; undefined to connect directly. This machine itself is never reached through one. */
export function proxyFor(url: URL, settings: ProxySettings): URL | undefined {
  const proxy = url.protocol === "https:" ? settings.https : settings.http;
  if (proxy === undefined || isLoopbackHost(url.hostname)) return undefined;
  const target = { host: bareHost(url.hostname).replace(/\.$/, ""), port: url.port || defaultPort(url) };
  return settings.noProxy.some((entry) => matches(entry, target)) ? undefined : proxy;
}

/** Returns the `Proxy-Authorization` header for the user info in a proxy's address. */
export function proxyAuthorization({ username, password }: URL): string | undefined {
  if (username === "" && password === "") return undefined;
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(pair, "utf8").toString("base64")}`;
}

export function withoutUserInfo(proxy: URL): URL {
  const url = new URL(proxy);
  url.username = "";
  url.password = "";
  return url;
}

/** The value may hold a password: it is not repeated. */
function proxyUrl(name: string, value: string | undefined): URL | undefined {
  if (value === undefined) return undefined;
  const url = URL.parse(/^[a-z0-9+.-]+:\/\//i.test(value) ? value : `http://${value}`);
  if (url !== null && (url.protocol === "http:" || url.protocol === "https:") && url.hostname !== "") return url;
  throw new RegistryError("PROXY_FAILURE", `Cannot use the proxy in ${name}: its value is no http or https address`, {
    hint: `Set it as in ${name}=http://proxy.example.com:3128`,
  });
}

interface Target {
  readonly host: string;
  readonly port: string;
}

function matches(entry: string, { host, port }: Target): boolean {
  if (entry === "*") return true;
  if (entry.includes("/")) return isIP(host) !== 0 && rangeContains(entry, host);
  const [, name = "", wantedPort] = /^(\[[^\]]*\]|[^:]*|[0-9a-f:.]*:[0-9a-f:.]*?)(?::(\d+))?$/.exec(entry) ?? [];
  const wanted = isIP(entry) === 0 ? bareHost(name) : entry;
  if (isIP(entry) === 0 && wantedPort !== undefined && wantedPort !== port) return false;
  if (wanted === "") return false;
  if (isIP(wanted) !== 0) return wanted === host;
  // `.example.com` and `*.example.com` mean what is below the name, `example.com` the name too.
  const suffix = wanted.replace(/^\*?\./, "");
  return host.endsWith(`.${suffix}`) || (suffix === wanted && host === suffix);
}

function rangeContains(range: string, host: string): boolean {
  const [network = "", prefix = ""] = range.split("/");
  const family = isIP(network);
  if (family === 0 || !/^\d{1,3}$/.test(prefix) || Number(prefix) > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), family === 4 ? "ipv4" : "ipv6");
  return list.check(host, isIP(host) === 4 ? "ipv4" : "ipv6");
}

function defaultPort(url: URL): string {
  return url.protocol === "https:" ? "443" : "80";
}

import { NetworkError } from "./network-error.ts";

/** A port of the host whose connections go to a pod. */
export interface HostPort {
  readonly protocol: "TCP" | "UDP" | "SCTP";
  readonly hostPort: number;
  readonly containerPort: number;
  /** Address of the host, all where absent or `0.0.0.0`. */
  readonly hostIp?: string | undefined;
}

/** The ports of one pod. */
export interface PodHostPorts {
  readonly ip: string;
  readonly ports: readonly HostPort[];
}

/** Returns the chains of nft that lead host ports to pods, to stand within our table; empty without any. */
export function hostPortChains(pods: readonly PodHostPorts[]): string {
  const translations = pods.flatMap(({ ip, ports }) => ports.map((port) => translation(port, ip)));
  if (translations.length === 0) return "";
  const rules = translations.join("\n    ");
  return `
  chain host-ports {
    ${rules}
  }
  chain host-ports-prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local jump host-ports
  }
  chain host-ports-output {
    type nat hook output priority -100; policy accept;
    fib daddr type local jump host-ports
  }
  chain host-ports-postrouting {
    type nat hook postrouting priority srcnat - 1; policy accept;
    ${pods.map(({ ip }) => returnPath(ip)).join("\n    ")}
  }
`;
}

/** Returns `ports` once each can stand in a rule. Throws `NetworkError` (`RULES_REFUSED`). */
export function checkedHostPorts(ports: readonly HostPort[]): HostPort[] {
  return ports.map((port) => {
    const { hostPort, containerPort, hostIp = "" } = port;
    const valid = isPort(hostPort) && isPort(containerPort) && (hostIp === "" || IPV4.test(hostIp));
    if (valid) return port;
    throw new NetworkError(
      "RULES_REFUSED",
      `Cannot open the host port "${hostIp}:${hostPort}": not an IPv4 address and port`,
    );
  });
}

const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;

function isPort(number: number): boolean {
  return Number.isInteger(number) && number >= 1 && number <= 65_535;
}

function translation({ protocol, hostPort, containerPort, hostIp = "" }: HostPort, ip: string): string {
  const address = hostIp === "" || hostIp === "0.0.0.0" ? "" : `ip daddr ${hostIp} `;
  return `meta nfproto ipv4 ${address}${protocol.toLowerCase()} dport ${hostPort} dnat ip to ${ip}:${containerPort}`;
}

/** A pod that reaches itself, and a host that reaches it from its loopback, would be answered directly, past the translation. */
function returnPath(ip: string): string {
  return `ip daddr ${ip} ip saddr { ${ip}, 127.0.0.0/8 } masquerade`;
}

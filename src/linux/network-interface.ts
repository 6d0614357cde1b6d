import { closeSync } from "node:fs";

import { cFunction, checked } from "./syscalls.ts";

/** Brings an interface of the current network namespace up. */
export function bringInterfaceUp(name: string): void {
  const request = Buffer.alloc(IFREQ_BYTES);
  request.write(name, 0, IFNAMSIZ - 1, "latin1");
  const fd = openSocket();
  try {
    checked(cIoctl(fd, SIOCGIFFLAGS, request), `read the flags of the interface "${name}"`);
    request.writeInt16LE(request.readInt16LE(IFNAMSIZ) | IFF_UP | IFF_RUNNING, IFNAMSIZ);
    checked(cIoctl(fd, SIOCSIFFLAGS, request), `bring the interface "${name}" up`);
  } finally {
    closeSync(fd);
  }
}

/** Opens a TCP socket of the current network namespace, which it keeps wherever it is used. The caller closes it. */
export function openTcpSocket(): number {
  return checked(cSocket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "open a TCP socket");
}

function openSocket(): number {
  return checked(cSocket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open a socket");
}

// netdevice(7)
const IFNAMSIZ = 16;
const IFREQ_BYTES = 40;
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;

const cSocket = cFunction("int socket(int, int, int)");
const cIoctl = cFunction("int ioctl(int, unsigned long, void *)");

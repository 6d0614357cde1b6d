/**
 * Tells the service manager about this process, sd_notify(3): `READY=1`, `STOPPING=1`, `STATUS=…`. Does nothing where none
 * listens (`NOTIFY_SOCKET` unset). Never fails: a service manager that went away must not end the service.
 */
export async function notifyServiceManager(state: string): Promise<void> {
  const address = process.env["NOTIFY_SOCKET"];
  if (address === undefined || address === "") return;
  try {
    const { DgramSocket } = await import("node-unix-socket");
    const socket = new DgramSocket();
    // A leading "@" stands for the NUL byte of an abstract address.
    const path = address.startsWith("@") ? `\0${address.slice(1)}` : address;
    await new Promise<void>((resolve) => socket.sendTo(Buffer.from(state), 0, state.length, path, () => resolve()));
    socket.close();
  } catch {
    // Said above.
  }
}

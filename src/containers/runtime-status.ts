import type { RuntimeStatus, VersionInfo } from "../cri/runtime-service.ts";
import type { Engine } from "./engine.ts";

/** Returns which runtime this is; the version is Berth's own. */
export function runtimeVersion(version: string): VersionInfo {
  return { version: "0.1.0", runtimeName: "berth", runtimeVersion: version, runtimeApiVersion: "v1" };
}

/** Returns whether containers and their network can be made. */
export function runtimeStatus(engine: Engine): RuntimeStatus {
  const { ready, reason, message } = engine.network.status;
  return {
    conditions: [
      { type: "RuntimeReady", status: true, reason: "", message: "" },
      { type: "NetworkReady", status: ready, reason, message },
    ],
  };
}

import type { Engine } from "./engine.ts";

/** Sets the range of this node's pods; the network is ready then, and again after a restart. */
export async function updateRuntimeConfig(engine: Engine, podCidr: string): Promise<void> {
  if (podCidr === "") return;
  await engine.savePodCidr(podCidr);
  await engine.network.configure(podCidr);
}

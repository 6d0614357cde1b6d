import type { RuntimeService } from "../../cri/runtime-service.ts";

/** Returns the kubelet's metrics in Prometheus' text format, counted now. */
export async function kubeletMetrics(runtime: RuntimeService, nodeName: string): Promise<string> {
  const { Gauge, Registry } = await import("prom-client");
  // Made for each scrape, so that a state which no container is in any more is not shown with its last count.
  const register = new Registry();
  const registers = [register];
  const [sandboxes, containers] = await Promise.all([
    runtime.listPodSandbox({ state: "SANDBOX_READY" }),
    runtime.listContainers(),
  ]);
  const node = new Gauge({
    name: "kubelet_node_name",
    help: "The node's name. The count is always 1.",
    labelNames: ["node"],
    registers,
  });
  node.set({ node: nodeName }, 1);
  const pods = new Gauge({
    name: "kubelet_running_pods",
    help: "Number of pods that have a running pod sandbox",
    registers,
  });
  pods.set(sandboxes.length);
  const states = new Gauge({
    name: "kubelet_running_containers",
    help: "Number of containers by state",
    labelNames: ["container_state"],
    registers,
  });
  for (const [state, group] of Map.groupBy(containers, (container) => container.state)) {
    states.set({ container_state: state.replace("CONTAINER_", "").toLowerCase() }, group.length);
  }
  return await register.metrics();
}

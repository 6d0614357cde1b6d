import type { Node } from "../core-v1.gen.ts";
import { AGE_COLUMN, ageCell, column, type KindColumns, NAME_COLUMN, nameCell } from "./column.ts";

/** The columns of nodes. */
export const NODE_COLUMNS: KindColumns<Node> = {
  columns: [
    NAME_COLUMN,
    column("Status", "The status of the node"),
    column("Roles", "The roles of the node"),
    AGE_COLUMN,
    column("Version", "Kubelet Version reported by the node."),
    column("Internal-IP", "The node's address inside of the cluster.", { priority: 1 }),
    column("External-IP", "The node's address outside of the cluster.", { priority: 1 }),
    column("OS-Image", "OS Image reported by the node from /etc/os-release.", { priority: 1 }),
    column("Kernel-Version", "Kernel Version reported by the node from 'uname -r'.", { priority: 1 }),
    column("Container-Runtime", "ContainerRuntime Version reported by the node through runtime remote API.", {
      priority: 1,
    }),
  ],
  cells: (node, now) => {
    const info = node.status?.nodeInfo;
    return [
      nameCell(node),
      statusText(node),
      rolesText(node),
      ageCell(node, now),
      info?.kubeletVersion ?? "",
      addressText(node, "InternalIP"),
      addressText(node, "ExternalIP"),
      known(info?.osImage),
      known(info?.kernelVersion),
      known(info?.containerRuntimeVersion),
    ];
  },
};

const ROLE_LABEL = "node-role.kubernetes.io/";

function statusText(node: Node): string {
  const ready = node.status?.conditions?.find((condition) => condition.type === "Ready");
  const readiness = ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady";
  return node.spec?.unschedulable === true ? `${readiness},SchedulingDisabled` : readiness;
}

function rolesText(node: Node): string {
  const roles = Object.entries(node.metadata?.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(ROLE_LABEL)) return [key.slice(ROLE_LABEL.length)];
    return key === "kubernetes.io/role" ? [value] : [];
  });
  const named = [...new Set(roles.filter((role) => role !== ""))].toSorted((a, b) => (a < b ? -1 : 1));
  return named.length === 0 ? "<none>" : named.join(",");
}

function addressText(node: Node, type: string): string {
  return node.status?.addresses?.find((address) => address.type === type)?.address ?? "<none>";
}

function known(text: string | undefined): string {
  return text === undefined || text === "" ? "<unknown>" : text;
}

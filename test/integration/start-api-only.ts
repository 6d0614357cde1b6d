/** Starts a cluster without a node through the library and prints who it ran as and which namespaces it has. */
import { NAMESPACES } from "../../src/api/resource-types.ts";
import { startCluster } from "../../src/daemon/library.ts";

await using cluster = await startCluster({ node: false });
const list = await cluster.client.list(NAMESPACES);
const namespaces = list.items.map((namespace) => namespace.metadata?.name ?? "").toSorted((a, b) => a.localeCompare(b));
console.log(JSON.stringify({ uid: process.getuid?.(), namespaces }));

import { startNode } from "./node-role.ts";
import { runRoleProcess } from "./role-process.ts";

await runRoleProcess("node", startNode);

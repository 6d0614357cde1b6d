import { startControl } from "./control-role.ts";
import { runRoleProcess } from "./role-process.ts";

await runRoleProcess("control", startControl);

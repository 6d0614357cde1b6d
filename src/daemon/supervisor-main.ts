import { runSupervisor, type RunSupervisorOptions } from "./run-supervisor.ts";

// Started by `berth up`, which waits on the socket; a terminal that closes must not end the cluster.
process.on("SIGHUP", () => {});
const failure = await runSupervisor(JSON.parse(process.argv[2] ?? "") as RunSupervisorOptions);
process.exit(failure === undefined ? 0 : 1);

import { runSupervisor, type RunSupervisorOptions } from "./run-supervisor.ts";

// Started by `berth up`, which waits on the socket; a terminal that closes must not end the cluster.
process.on("SIGHUP", () => {});
const failure = await runSupervisor(JSON.parse(process.argv[2] ?? "") as RunSupervisorOptions);
// For who started this and did not hear it on the socket.
if (failure !== undefined) process.stderr.write(`${JSON.stringify(failure)}\n`);
process.exit(failure === undefined ? 0 : 1);

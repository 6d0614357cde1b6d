import { inspectHost } from "../preflight/inspect-host.ts";
import { CliError } from "./cli-error.ts";
import type { StartProgress } from "./start-progress.ts";

/** Throws `CliError` with code `HOST_UNFIT`, naming all that is missing, where this host cannot run pods. */
export async function checkHost(progress: StartProgress): Promise<void> {
  const { summary, problems } = await inspectHost();
  if (problems.length === 0) {
    progress.step("host", summary);
    return;
  }
  const [first, ...others] = problems.map((problem) => problem.what);
  const remedies = problems.flatMap((problem) => (problem.remedy === undefined ? [] : [problem.remedy]));
  throw new CliError(
    "HOST_UNFIT",
    [`Cannot start the node: ${first}`, ...others.map((what) => `  and ${what}`)].join("\n"),
    {
      hint: [...remedies, "Or start the API alone, without containers: berth up --no-node"].join("\n"),
    },
  );
}

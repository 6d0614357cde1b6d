import { messageOf } from "../../base/coded-error.ts";
import type { Handler } from "../http/api-request.ts";
import { textResponse } from "../http/api-response.ts";

/** Something that has to be well. `run` throws where it is not. */
export interface HealthCheck {
  readonly name: string;
  run(): Promise<void>;
}

/** Returns what answers `/healthz`, `/livez` or `/readyz`; `?verbose` lists the checks, `?exclude=NAME` leaves one out. */
export function createHealthHandler(name: string, checks: readonly HealthCheck[]): Handler {
  return async ({ query }) => {
    const excluded = new Set(query.getAll("exclude"));
    const results = await Promise.all(checks.filter((check) => !excluded.has(check.name)).map(runCheck));
    const failed = results.filter((result) => !result.isWell);
    const lines = results.map((result) => `${result.line}\n`).join("");
    if (failed.length > 0) return textResponse(500, `${lines}${name} check failed\n`);
    return textResponse(200, query.has("verbose") ? `${lines}${name} check passed\n` : "ok");
  };
}

async function runCheck(check: HealthCheck): Promise<{ readonly isWell: boolean; readonly line: string }> {
  try {
    await check.run();
    return { isWell: true, line: `[+]${check.name} ok` };
  } catch (error) {
    return { isWell: false, line: `[-]${check.name} failed: ${messageOf(error)}` };
  }
}

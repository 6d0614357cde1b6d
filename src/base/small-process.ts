import { programPath } from "./program-path.ts";

/** Flags of Node for processes that mostly wait: a small young generation, and code made for size. */
export const SMALL_PROCESS_FLAGS: readonly string[] = [
  "--optimize-for-size",
  "--max-semi-space-size=1",
  "--disable-warning=ExperimentalWarning",
];

/** mallopt(3): one arena for all threads, and what is free goes back to the kernel early. */
export const SMALL_PROCESS_ENVIRONMENT: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: "1",
  MALLOC_TRIM_THRESHOLD_: "65536",
};

/** Returns this process's environment for such a process, with the system's directories on its PATH. */
export function smallProcessEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, ...SMALL_PROCESS_ENVIRONMENT, PATH: programPath(process.env["PATH"]) };
}

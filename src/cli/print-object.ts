/** Forms in which a command can print its result for programs. */
export const OUTPUT_FORMATS = ["json", "yaml"] as const;

export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** Prints `value` to standard output in the format. */
export async function printObject(value: unknown, format: OutputFormat): Promise<void> {
  process.stdout.write(format === "json" ? `${JSON.stringify(value, undefined, 2)}\n` : await toYaml(value));
}

async function toYaml(value: unknown): Promise<string> {
  const { stringify } = await import("yaml");
  return stringify(value, { version: "1.1" });
}

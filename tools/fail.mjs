/** Ends the program with an error for people: what could not be done, then what to do. */
export function fail(message, hints = []) {
  process.stderr.write(`${[message, ...hints.map((hint) => `  ${hint}`)].join("\n")}\n`);
  process.exit(1);
}

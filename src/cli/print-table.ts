/** Writes rows under upper-case heads to standard output, as kubectl does. Control characters are left out of them. */
export function printTable(heads: readonly string[], rows: readonly (readonly string[])[]): void {
  // What an image says of itself must not move the terminal's cursor.
  const all = [heads, ...rows].map((row) => row.map((cell) => cell.replaceAll(/\p{Cc}+/gu, " ")));
  const widths = heads.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  for (const row of all) {
    const cells = row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)));
    process.stdout.write(`${cells.join("   ")}\n`);
  }
}

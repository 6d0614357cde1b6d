/** Checks that every import in `src/` is allowed by the room table of `docs/architecture.md`. Exit code 1 names each that is not. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const source = join(root, "src");

const rooms = readRoomTable(readFileSync(join(root, "docs/architecture.md"), "utf8"));
const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
const problems = [...files.flatMap(problemsOf), ...emptyTableProblems(), ...unknownRooms()];
for (const problem of problems) console.error(problem);
console.log(`rooms: ${files.length} files in ${rooms.size} rooms, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;

interface Room {
  readonly floor: number;
  readonly mayImport: (room: string) => boolean;
}

function readRoomTable(markdown: string): ReadonlyMap<string, Room> {
  const table = /<!-- rooms:begin -->([\s\S]*?)<!-- rooms:end -->/.exec(markdown)?.[1] ?? "";
  const rows = table
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .slice(2);
  return new Map(
    rows.map((line) => {
      const [name = "", floor = "", , imports = ""] = line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim());
      return [name, { floor: Number(floor), mayImport: parseImports(imports) }];
    }),
  );
}

function parseImports(cell: string): (room: string) => boolean {
  if (cell.startsWith("all but ")) {
    const forbidden = cell.slice("all but ".length).split(", ");
    return (room) => !forbidden.includes(room);
  }
  const allowed = cell.split(", ");
  return (room) => allowed.includes(room);
}

function problemsOf(path: string): string[] {
  const room = path.split("/")[0] ?? "";
  // Fixtures that only tests use lie in a folder `testing` of their room, or end in `.fixture.ts`.
  const isTest = /\.(test|suite|fixture)\.ts$|\/testing\//.test(path);
  return [...importsOf(join(source, path))].flatMap((target) => {
    const other = relative(source, target).split("/")[0] ?? "";
    if (other === room || other === "..")
      return other === ".." ? [`src/${path}: imports ${target} from outside src`] : [];
    if (isTest || rooms.get(room)?.mayImport(other)) return [];
    return [`src/${path}: room "${room}" may not import room "${other}" (${relative(root, target)})`];
  });
}

function* importsOf(file: string): Generator<string> {
  const text = readFileSync(file, "utf8");
  // Matches static, type-only, side-effect and dynamic imports and re-exports with a relative specifier.
  const pattern = /(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s+)["'](\.{1,2}\/[^"']+)["']/g;
  for (const match of text.matchAll(pattern)) yield resolve(dirname(file), match[1] ?? "");
}

function emptyTableProblems(): string[] {
  if (rooms.size === 0) return ["docs/architecture.md: no room table found"];
  return files.length === 0 ? ["src: no file found"] : [];
}

function unknownRooms(): string[] {
  const present = new Set(files.map((path) => path.split("/")[0] ?? ""));
  return [...present].filter((room) => !rooms.has(room)).map((room) => `src/${room}: not in the room table`);
}

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";

import { packageVersion } from "../base/package-version.ts";

const BERTH = fileURLToPath(new URL("../../bin/berth", import.meta.url));

describe("berth", () => {
  test("version prints JSON to standard output and nothing to standard error", async () => {
    const { stdout, stderr, exitCode } = await berth(["version", "-o", "json"]);
    const { version } = JSON.parse(stdout) as { version: string };
    assert.deepEqual([version, stderr, exitCode], [packageVersion(), "", 0]);
  });

  test("status of a cluster that does not exist says so in every form and exits with 1", async (t) => {
    const name = ["--name", "absent", "--data-dir", join(await temporaryDirectory(t), "none")];
    const plain = await berth(["status", ...name]);
    assert.deepEqual(
      [plain.stdout, plain.exitCode],
      ['Cluster "absent" does not exist. Start it: berth up --name absent\n', 1],
    );
    const json = await berth(["status", "-o", "json", ...name]);
    const { ready, pids, version } = JSON.parse(json.stdout) as Record<string, unknown>;
    assert.deepEqual([ready, pids, version, json.exitCode], [false, {}, packageVersion(), 1]);
    const yaml = await berth(["status", "-o", "yaml", ...name]);
    assert.match(yaml.stdout, /^phase: absent$/m);
  });

  test("down of a cluster that does not exist succeeds", async (t) => {
    const { exitCode, stderr } = await berth([
      "down",
      "-d",
      join(await temporaryDirectory(t), "none"),
      "--name",
      "absent",
    ]);
    assert.deepEqual([exitCode, stderr], [0, 'Cluster "absent" does not exist; nothing to do.\n']);
  });

  test("an error is one line with a hint below, without a stack", async (t) => {
    const directory = join(await temporaryDirectory(t), "none");
    const { exitCode, stderr } = await berth(["logs", "--data-dir", directory, "--name", "absent"]);
    const lines = [
      'Cannot show the logs of cluster "absent": there is none of that name',
      "  Start it: berth up --name absent",
      "",
    ];
    assert.deepEqual([exitCode, stderr], [1, lines.join("\n")]);
  });

  test("a command, a flag or a value that does not exist is named", async () => {
    const cases = [
      [["upp"], /unknown command 'upp'\n\(Did you mean up\?\)/],
      [["up", "--nmae", "x"], /unknown option '--nmae'\n\(Did you mean --name\?\)/],
      [["up", "--https-listen-port", "65536"], /'65536' is invalid.* It is not a port/],
      [["completion", "csh"], /Allowed choices are bash, zsh, fish/],
    ] as const;
    for (const [args, message] of cases) {
      const { exitCode, stderr } = await berth(args);
      assert.deepEqual([exitCode, message.test(stderr)], [1, true], stderr);
    }
  });

  test("every command has help with an example or a description of its arguments", async () => {
    const { stdout } = await berth(["completion", "bash"]);
    const names =
      /words="([^"]*)"/
        .exec(stdout)?.[1]
        ?.split(" ")
        .filter((word) => !word.startsWith("-") && word !== "help") ?? [];
    assert.ok(names.length >= 8);
    for (const name of names) {
      const help = await berth(["help", name]);
      assert.match(help.stdout, new RegExp(`^Usage: berth ${name} `), help.stderr);
    }
  });
});

describe("the config file", () => {
  test("gives flags their values, and the command line wins", async (t) => {
    const file = join(await temporaryDirectory(t), "config.yaml");
    await writeFile(file, "name: from-file\nhttps-listen-port: 7443\n");
    const fromFile = await berth(["status", "-o", "json", "--config", file, "-d", "/nonexistent"]);
    const fromLine = await berth([
      "status",
      "-o",
      "json",
      "--config",
      file,
      "-d",
      "/nonexistent",
      "--name",
      "from-line",
    ]);
    const names = [fromFile, fromLine].map(({ stdout }) => (JSON.parse(stdout) as { name: string }).name);
    assert.deepEqual(names, ["from-file", "from-line"]);
  });

  const cases = [
    ["nmae: x", 'unknown key "nmae"'],
    ["https-listen-port: none", 'key "https-listen-port": It is not a port from 0 to 65535.'],
    ["node: maybe", 'key "node": it must be true or false'],
    ["- name", "it must hold keys and values"],
    ["a: b: c", "Nested mappings are not allowed in compact mappings"],
  ] as const;
  for (const [content, reason] of cases) {
    test(`${content} is refused: ${reason}`, async (t) => {
      const file = join(await temporaryDirectory(t), "config.yaml");
      await writeFile(file, content);
      const { exitCode, stderr } = await berth(["up", "--config", file]);
      assert.deepEqual(
        [exitCode, stderr.startsWith(`Cannot read config file "${file}": ${reason}`)],
        [1, true],
        stderr,
      );
    });
  }
});

interface Result {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

async function berth(args: readonly string[]): Promise<Result> {
  const child = spawn(process.execPath, [BERTH, ...args], { env: { ...process.env, NO_COLOR: "1" } });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { stdout, stderr, exitCode };
}

async function temporaryDirectory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "berth-cli-"));
  t.after(async () => await rm(path, { recursive: true, force: true }));
  return path;
}

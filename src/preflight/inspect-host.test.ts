import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";

import { installCommand, readDistribution } from "./distribution.ts";
import { findProgram } from "./find-program.ts";
import { inspectHost } from "./inspect-host.ts";

describe("inspectHost", () => {
  test("everything that is missing is named at once, with one command that installs it", async (t) => {
    const directory = await temporaryDirectory(t);
    const { problems } = await inspectHost({ cniDirectories: [directory], uid: 1000 });
    const texts = problems.map((problem) => problem.what);
    assert.equal(texts[0], "running containers needs root");
    assert.match(texts.at(-1) ?? "", /^CNI plugins not found/);
  });

  test("the summary names distribution and kernel", async (t) => {
    const file = join(await temporaryDirectory(t), "os-release");
    await writeFile(file, 'NAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n');
    const { summary } = await inspectHost({ osRelease: file });
    assert.match(summary, /^Debian 12, kernel \d+\.\d+, cgroup /);
  });
});

describe("installCommand", () => {
  const cases = [
    ["ID=debian", "apt-get install -y --no-install-recommends nftables containernetworking-plugins"],
    [
      'ID=linuxmint\nID_LIKE="ubuntu debian"',
      "apt-get install -y --no-install-recommends nftables containernetworking-plugins",
    ],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"', "dnf install -y nftables containernetworking-plugins"],
    ["ID=alpine", "apk add nftables cni-plugins"],
    ["ID=arch", "pacman -S --needed nftables cni-plugins"],
    ["ID=plan9", undefined],
  ] as const;
  for (const [osRelease, command] of cases) {
    test(`${osRelease.replace("\n", ", ")} gives ${command ?? "no command"}`, async (t) => {
      const file = join(await temporaryDirectory(t), "os-release");
      await writeFile(file, osRelease);
      assert.equal(installCommand(await readDistribution(file), ["nft", "CNI plugins"]), command);
    });
  }
});

test("findProgram takes the first executable on the PATH and skips what cannot be run", async (t) => {
  const [first, second] = [await temporaryDirectory(t), await temporaryDirectory(t)];
  await writeFile(join(first, "berth-test-program"), "", { mode: 0o644 });
  await writeFile(join(second, "berth-test-program"), "");
  await chmod(join(second, "berth-test-program"), 0o755);
  assert.equal(
    await findProgram("berth-test-program", `relative:${first}:${second}`),
    join(second, "berth-test-program"),
  );
  assert.equal(await findProgram("berth-test-absent", first), undefined);
});

async function temporaryDirectory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "berth-preflight-"));
  t.after(async () => await rm(path, { recursive: true, force: true }));
  return path;
}

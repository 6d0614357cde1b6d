import { containerConfig, type EngineFixture, openEngine, sandboxConfig } from "./engine-fixture.ts";

/**
 * An engine as a process of its own, to be killed: makes the pod `pod` with a container for each script, starts them, prints the
 * sandbox's id and the containers' as one JSON line, and waits. Arguments: the fixture and the scripts by container name, as JSON.
 */
const [fixtureText = "", scriptsText = ""] = process.argv.slice(2);
const fixture = JSON.parse(fixtureText) as EngineFixture;
const scripts = Object.entries(JSON.parse(scriptsText) as Record<string, string>);

const service = await openEngine(fixture);
const config = sandboxConfig(fixture, "pod");
const sandboxId = await service.runPodSandbox(config);
const ids: Record<string, string> = {};
for (const [name, script] of scripts) {
  const id = await service.createContainer(sandboxId, containerConfig(name, script), config);
  await service.startContainer(id);
  ids[name] = id;
}
process.stdout.write(`${JSON.stringify({ sandboxId, ids })}\n`);
setInterval(() => {}, 60_000);

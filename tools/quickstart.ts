/**
 * The first session: a private registry, a cluster, a pull secret, a pod that prints SUCCESS, and the same pod without the secret.
 * All real, all of its own: no cluster, context or listener that is there already is touched. `--keep` leaves it running.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { styleText } from "node:util";

import { findInstance } from "../src/instance/open-instance.ts";
import { buildBusyboxImage } from "../src/testing/busybox-image.ts";
import { debianProgram } from "../src/testing/debian-program.ts";
import { type DockerRegistry, startDockerRegistry } from "../src/testing/docker-registry.ts";
import { openKubectl, type Kubectl } from "../src/testing/kubectl.ts";
import { pushImage } from "../src/testing/push-image.ts";

interface Facts {
  /** Debian packages that the set-up has installed on this machine. */
  readonly installed: readonly string[];
  readonly preparedMs: number;
}

const USER = "newcomer";
const KEEP = process.argv.includes("--keep");
const startedAt = performance.now();
const facts = JSON.parse(process.env["QUICKSTART_FACTS"] ?? '{"installed":[],"preparedMs":0}') as Facts;

await using stack = new AsyncDisposableStack();
const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => interrupted.abort(new Error(`Ended by ${signal}`)));
try {
  await quickstart();
} catch (error) {
  process.exitCode = 1;
  say(`\n${styleText("red", error instanceof Error ? error.message : String(error))}`);
}

async function quickstart(): Promise<void> {
  done("the machine is prepared", facts.preparedMs);
  const directory = await mkdtemp(join(tmpdir(), "berth-quickstart-"));
  if (!KEEP) stack.defer(async () => await rm(directory, { recursive: true, force: true }));
  const password = randomBytes(9).toString("base64url");
  const registry = await step("a private registry runs, Debian's docker-registry with a password", async () => {
    return await startRegistry(password);
  });
  const { host } = registry;
  const image = `${host}/team/app:v1`;
  await step(`an image of Debian's BusyBox is pushed: ${image}`, async () => {
    const built = await buildBusyboxImage();
    await pushImage(built, { host, repository: "team/app", tag: "v1", username: USER, password });
  });
  const name = await freeName();
  const kubeconfig = join(directory, "kubeconfig");
  await step(`the cluster "${name}" is ready`, async () => await startCluster(name, kubeconfig));
  const kubectl = await openKubectl(kubeconfig);
  stack.defer(async () => await kubectl[Symbol.asyncDispose]());
  await showSuccess(kubectl, { host, image, password });
  await showFailure(kubectl, image);
  say(
    `\nAll in ${seconds(performance.now() - startedAt + facts.preparedMs)}. ${KEEP ? kept({ name, kubeconfig, registryPid: registry.pid }) : "Cleaning up."}`,
  );
  sayWhatIsNext();
}

async function startRegistry(password: string): Promise<DockerRegistry> {
  const binary = debianProgram("docker-registry", "usr/bin/docker-registry");
  const registry = await startDockerRegistry({ binary, users: { [USER]: password }, outlives: KEEP });
  if (!KEEP) stack.use(registry);
  return registry;
}

/** An earlier quickstart may have been kept: it stays as it is. */
async function freeName(): Promise<string> {
  for (let number = 1; ; number++) {
    const name = number === 1 ? "quickstart" : `quickstart-${number}`;
    if ((await findInstance({ name })) === undefined) return name;
  }
}

async function startCluster(name: string, kubeconfig: string): Promise<void> {
  if (!KEEP) stack.defer(async () => await berth(["down", "--purge", "--name", name], { isQuiet: true }));
  await berth(["up", "--name", name, "--https-listen-port", "0", "--write-kubeconfig", kubeconfig]);
}

async function showSuccess(
  kubectl: Kubectl,
  { host, image, password }: { readonly host: string; readonly image: string; readonly password: string },
): Promise<void> {
  const login = [`--docker-server=${host}`, `--docker-username=${USER}`, `--docker-password=${password}`];
  const shown = [...login.slice(0, 2), "--docker-password=…"];
  showCommand(["create", "secret", "docker-registry", "myregistrykey", ...shown]);
  await step("the pull secret is created", async () => {
    await kubectl.ok(["create", "secret", "docker-registry", "myregistrykey", ...login]);
  });
  showCommand(["create", "-f", "private-image-test-1.yaml"]);
  await step("the pod with the secret prints SUCCESS", async () => {
    await kubectl.create(pod("private-image-test-1", image, [{ name: "myregistrykey" }]));
    await untilLogged(kubectl, "private-image-test-1", "SUCCESS");
  });
  showCommand(["logs", "private-image-test-1"]);
  say(indent(await kubectl.ok(["logs", "private-image-test-1"])));
}

async function showFailure(kubectl: Kubectl, image: string): Promise<void> {
  showCommand(["create", "-f", "private-image-test-2.yaml"]);
  await step("the same pod without the secret cannot pull, and says why", async () => {
    await kubectl.create(pod("private-image-test-2", image, []));
    const reason = "{.status.containerStatuses[0].state.waiting.reason}";
    await kubectl.ok([
      "wait",
      `--for=jsonpath=${reason}=ImagePullBackOff`,
      "pod/private-image-test-2",
      "--timeout=60s",
    ]);
  });
  showCommand(["describe", "pod", "private-image-test-2"]);
  const description = await kubectl.ok(["describe", "pod", "private-image-test-2"]);
  say(indent(description.slice(description.indexOf("Events:"))));
}

/** The pod of the Kubernetes documentation. */
function pod(name: string, image: string, imagePullSecrets: readonly { readonly name: string }[]): object {
  const container = { name: "uses-private-image", image, imagePullPolicy: "Always", command: ["echo", "SUCCESS"] };
  return { apiVersion: "v1", kind: "Pod", metadata: { name }, spec: { containers: [container], imagePullSecrets } };
}

async function untilLogged(kubectl: Kubectl, name: string, text: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    interrupted.signal.throwIfAborted();
    const { stdout, stderr } = await kubectl.run(["logs", name]);
    if (stdout.includes(text)) return;
    if (performance.now() > deadline) throw new Error(`Cannot see "${text}" in the logs of "${name}": ${stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function berth(args: readonly string[], { isQuiet = false } = {}): Promise<void> {
  if (!isQuiet) showCommand(args, "berth");
  const program = fileURLToPath(new URL("../bin/berth", import.meta.url));
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ["ignore", "inherit", isQuiet ? "ignore" : "inherit"],
  });
  const code = await new Promise<number | null>((resolve) => child.once("exit", resolve));
  if (code !== 0) throw new Error(`Cannot run "berth ${args.join(" ")}": exit code ${code}`);
}

async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  interrupted.signal.throwIfAborted();
  const stepStartedAt = performance.now();
  const result = await work();
  done(name, performance.now() - stepStartedAt);
  return result;
}

function done(name: string, ms: number): void {
  say(`${styleText("green", "✓")} ${name}  ${styleText("dim", seconds(ms))}`);
}

function showCommand(args: readonly string[], program = "kubectl"): void {
  say(`\n${styleText("bold", `$ ${program} ${args.join(" ")}`)}`);
}

function indent(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, "  ");
}

function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

interface Kept {
  readonly name: string;
  readonly kubeconfig: string;
  readonly registryPid: number;
}

function kept({ name, kubeconfig, registryPid }: Kept): string {
  return [
    "It stays as it is:",
    `  export KUBECONFIG=${kubeconfig}; kubectl get pods`,
    `  remove it: bin/berth down --purge --name ${name}; kill ${registryPid}; rm -r ${dirname(kubeconfig)}`,
  ].join("\n");
}

function sayWhatIsNext(): void {
  const { installed } = facts;
  say("\nWhat is on this machine now:");
  say("  in this directory: node_modules/, .cache/ (kubectl, docker-registry, busybox; nothing of it is installed)");
  say(installed.length === 0 ? "  no Debian package was installed" : `  Debian packages: ${installed.join(" ")}`);
  if (installed.length > 0) say(`  remove them: apt-get purge ${installed.join(" ")}`);
  say("\nWhat next:");
  say("  bin/berth up                     a cluster that stays; kubectl uses it from then on");
  say("  bin/berth kubectl get nodes      kubectl without a context");
  say("  bin/berth down --purge           end it and remove all it has left");
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

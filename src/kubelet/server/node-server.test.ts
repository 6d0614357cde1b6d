import assert from "node:assert/strict";
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { silentLogger } from "../../base/log.ts";
import { type ClusterKeys, openKeys } from "../../pki/cluster-keys.ts";
import type { KeyPair } from "../../pki/key-pair.ts";
import { nodePodOf } from "../node-pod.ts";
import { containerLabels, sandboxLabels } from "../runtime-labels.ts";
import { InMemoryRuntime } from "../testing/in-memory-runtime.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { type FoundPod, type NodeServer, startNodeServer } from "./node-server.ts";

interface Answer {
  readonly status: number;
  readonly body: string;
}

const POD = nodePodOf({
  metadata: { uid: "u1", namespace: "default", name: "web" },
  spec: { containers: [{ name: "main" }, { name: "idle" }] },
});
const WAITING = {
  image: "",
  imageID: "",
  ready: false,
  restartCount: 0,
  state: { waiting: { reason: "ImagePullBackOff" } },
};
const FOUND: FoundPod = { pod: POD, status: { containerStatuses: [{ name: "idle", ...WAITING }] } };

describe("node server", () => {
  let directory: string;
  let keys: ClusterKeys;
  let foreign: ClusterKeys;
  let server: NodeServer;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "node-server-"));
    keys = await openKeys(join(directory, "keys"), { node: { name: "node-1" } });
    foreign = await openKeys(join(directory, "foreign"));
    server = await startServer(await runtimeWithLog(directory));
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  function startServer(runtime: InMemoryRuntime): Promise<NodeServer> {
    const serving = keys.node?.serving ?? keys.serving;
    return startNodeServer({
      nodeName: "node-1",
      host: "127.0.0.1",
      port: 0,
      certificate: serving.certificate,
      key: serving.key,
      clientCa: keys.ca.certificate,
      runtime,
      pods: {
        find: (namespace, name) => (namespace === "default" && name === "web" ? FOUND : undefined),
        list: () => [FOUND],
      },
      onPodChange: () => () => {},
      logger: silentLogger,
    });
  }

  function get(path: string, client?: KeyPair): Promise<Answer> {
    const identity = client === undefined ? {} : { cert: client.certificate, key: client.key.reveal() };
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const options = { host: "127.0.0.1", port: server.port, path, ca: keys.ca.certificate, agent: false, ...identity };
    request(options, (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(pieces).toString() }));
    })
      .on("error", reject)
      .end();
    return promise;
  }

  test("every path asks for a certificate of the cluster, and for one that may", async () => {
    for (const path of ["/healthz", "/pods", "/metrics", "/containerLogs/default/web/main", "/absent"]) {
      assert.deepEqual(await get(path), { status: 401, body: "Unauthorized" }, path);
      assert.equal((await get(path, foreign.admin)).status, 401, path);
      assert.equal((await get(path, keys.node?.client)).status, 403, path);
      assert.equal((await get(path, keys.scheduler)).status, 403, path);
    }
  });

  test("the API server and administrators are let in", async () => {
    assert.deepEqual(await get("/healthz", keys.kubeletClient), { status: 200, body: "ok" });
    assert.deepEqual(await get("/healthz", keys.admin), { status: 200, body: "ok" });
  });

  test("a container's log is served", async () => {
    const answer = await get("/containerLogs/default/web/main?tailLines=1", keys.kubeletClient);
    assert.deepEqual(answer, { status: 200, body: "two\n" });
  });

  test("what cannot be shown is told in the kubelet's words", async () => {
    const cases: readonly (readonly [path: string, status: number, body: string])[] = [
      ["default/absent/main", 404, 'pod "absent" not found'],
      ["default/web/absent", 404, 'container "absent" not found in pod "web"'],
      ["default/web/main?previous=true", 400, 'previous terminated container "main" in pod "web" not found'],
      ["default/web/idle", 400, 'container "idle" in pod "web" is waiting to start: trying and failing to pull image'],
      ["default/web/main?tailLines=x", 400, 'invalid value "x" for tailLines: it must be a number of at least 0'],
      ["default/%E0/main", 400, "Bad Request"],
    ];
    for (const [path, status, body] of cases) {
      assert.deepEqual(await get(`/containerLogs/${path}`, keys.admin), { status, body }, path);
    }
  });

  test("pods and metrics tell what the node runs", async () => {
    const pods = JSON.parse((await get("/pods", keys.admin)).body) as { readonly items: readonly unknown[] };
    assert.equal(pods.items.length, 1);
    const metrics = (await get("/metrics", keys.admin)).body;
    assert.match(metrics, /^kubelet_running_pods 1$/m);
    assert.match(metrics, /^kubelet_running_containers\{container_state="running"\} 1$/m);
  });
});

/** A runtime with one running container that has written two lines. */
async function runtimeWithLog(directory: string): Promise<InMemoryRuntime> {
  const runtime = new InMemoryRuntime(new ManualClock());
  const logDirectory = join(directory, "logs");
  await mkdir(logDirectory);
  await writeFile(
    join(logDirectory, "0.log"),
    ["one", "two"].map((text) => `2026-01-01T00:00:00Z stdout F ${text}\n`).join(""),
  );
  const namespaceOptions = { network: "POD", pid: "CONTAINER", ipc: "POD" } as const;
  const sandbox = {
    metadata: { name: "web", uid: "u1", namespace: "default", attempt: 0 },
    hostname: "web",
    logDirectory,
    labels: sandboxLabels(POD),
    annotations: {},
    linux: { cgroupParent: "", securityContext: { namespaceOptions } },
  };
  const sandboxId = await runtime.runPodSandbox(sandbox);
  const seccomp = { profileType: "Unconfined" } as const;
  const container = {
    metadata: { name: "main", attempt: 0 },
    image: { image: "r.io/main:1" },
    command: [],
    args: [],
    workingDir: "",
    envs: [],
    mounts: [],
    devices: [],
    labels: containerLabels(POD, "main"),
    annotations: {},
    logPath: "0.log",
    stdin: false,
    stdinOnce: false,
    tty: false,
    linux: {
      resources: {},
      securityContext: { privileged: false, namespaceOptions, readonlyRootfs: false, noNewPrivs: false, seccomp },
    },
  };
  await runtime.startContainer(await runtime.createContainer(sandboxId, container, sandbox));
  return runtime;
}

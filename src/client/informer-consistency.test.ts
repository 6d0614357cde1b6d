import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, type Socket, connect, createServer } from "node:net";
import { test } from "node:test";
import type { ConfigMap } from "../api/core-v1.gen.ts";
import { CONFIG_MAPS } from "../api/resource-types.ts";
import { startControlPlane } from "../controllers/control-plane.suite.ts";
import { waitUntil } from "../testing/wait-until.ts";
import { createRestClient } from "./create-rest-client.ts";
import { createInformer } from "./informer.ts";
import { loadKubeconfig } from "./kubeconfig.ts";
import { ignoringStaleness } from "./ignoring-staleness.ts";

test("whatever connections are lost, an informer ends with what the server has, and its subscribers saw a path there", async () => {
  await using plane = await startControlPlane({ controllers: false, scheduler: false });
  const { config } = await loadKubeconfig({ path: plane.kubeconfigPath });
  await using flaky = await startFlakyForwarder(Number(new URL(config.server).port));
  await using client = createRestClient({ ...config, server: `https://127.0.0.1:${flaky.port}` });
  const informer = createInformer(client, CONFIG_MAPS, { namespace: "default" });
  const seen = new Map<string, ConfigMap>();
  const faults: string[] = [];
  informer.subscribe({
    onAdd: (object) => {
      if (seen.has(nameOf(object))) faults.push(`${nameOf(object)} added twice`);
      seen.set(nameOf(object), object);
    },
    onUpdate: (old, object) => {
      if (seen.get(nameOf(object)) !== old) faults.push(`${nameOf(object)} updated from what was not told`);
      if (revisionOf(object) <= revisionOf(old)) faults.push(`${nameOf(object)} went back`);
      seen.set(nameOf(object), object);
    },
    onDelete: (object) => {
      if (!seen.delete(nameOf(object))) faults.push(`${nameOf(object)} deleted twice`);
    },
  });
  const controller = new AbortController();
  const running = informer.run(controller.signal);
  for (let i = 0; i < 300; i++) {
    if (i % 37 === 36) flaky.breakConnections();
    await changeAtRandom(plane.client, i);
  }
  const expected = statesOf(await plane.client.list(CONFIG_MAPS, { namespace: "default" }));
  await waitUntil(
    "the same state",
    () => JSON.stringify(statesIn(informer.lister.list())) === JSON.stringify(expected),
    { intervalMs: 10, timeoutMs: 10_000 },
  );
  controller.abort();
  await running;
  assert.deepEqual(faults, []);
  assert.deepEqual(statesIn([...seen.values()]), expected);
});

async function changeAtRandom(client: Parameters<typeof createInformer>[0], i: number): Promise<void> {
  const target = { namespace: "default", name: `m${Math.floor(Math.random() * 12)}` };
  const choice = Math.random();
  if (choice < 0.4) await ignoringStaleness(client.create(CONFIG_MAPS, { metadata: target, data: { i: `${i}` } }));
  else if (choice < 0.7)
    await ignoringStaleness(client.patch(CONFIG_MAPS, target, { data: { i: `${i}` } }, { kind: "merge" }));
  else await ignoringStaleness(client.delete(CONFIG_MAPS, target));
}

function nameOf(object: ConfigMap): string {
  return object.metadata?.name ?? "";
}

function revisionOf(object: ConfigMap): number {
  return Number(object.metadata?.resourceVersion);
}

function statesOf(list: { readonly items: readonly ConfigMap[] }): readonly string[] {
  return statesIn(list.items);
}

function statesIn(objects: readonly ConfigMap[]): readonly string[] {
  return objects.map((object) => `${nameOf(object)}@${revisionOf(object)}=${object.data?.["i"]}`).toSorted();
}

interface FlakyForwarder extends AsyncDisposable {
  readonly port: number;
  breakConnections(): void;
}

async function startFlakyForwarder(target: number): Promise<FlakyForwarder> {
  const sockets = new Set<Socket>();
  const server = createServer((incoming) => {
    const outgoing = connect(target, "127.0.0.1");
    for (const socket of [incoming, outgoing]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => {
        sockets.delete(socket);
        incoming.destroy();
        outgoing.destroy();
      });
    }
    incoming.pipe(outgoing).pipe(incoming);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const breakConnections = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    breakConnections,
    [Symbol.asyncDispose]: async () => {
      breakConnections();
      server.close();
      await once(server, "close");
    },
  };
}

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerState, Pod, PodStatus } from "./core-v1.gen.ts";
import { humanDuration } from "./human-duration.ts";
import { podStatusText } from "./pod-status.ts";
import { toTable } from "./table.ts";

const NOW = Date.parse("2026-01-31T12:00:00Z");

test("durations are as short as kubectl's", () => {
  const cases: Record<string, string> = {
    "-5": "<invalid>",
    "-1": "0s",
    "0": "0s",
    "119": "119s",
    "120": "2m",
    "330": "5m30s",
    "600": "10m",
    "10799": "179m",
    "10800": "3h",
    "12000": "3h20m",
    "28800": "8h",
    "172799": "47h",
    "172800": "2d",
    "180000": "2d2h",
    "691200": "8d",
    "63072000": "2y",
    "64000000": "2y10d",
    "260000000": "8y",
  };
  assert.deepEqual(
    Object.fromEntries(Object.keys(cases).map((text) => [text, humanDuration(Number(text) * 1000)])),
    cases,
  );
});

function container(state: ContainerState, fields: object = {}): NonNullable<PodStatus["containerStatuses"]>[number] {
  return { name: "a", image: "i", imageID: "", ready: false, restartCount: 0, state, ...fields };
}

const RUNNING = container({ running: {} }, { ready: true });
const COMPLETED = container({ terminated: { exitCode: 0, reason: "Completed" } });

function pod(status: PodStatus, fields: Partial<Pod> = {}): Pod {
  return {
    metadata: { name: "p", creationTimestamp: "2026-01-31T11:55:00Z" },
    spec: { containers: [{ name: "a" }, { name: "b" }] },
    status,
    ...fields,
  };
}

test("STATUS says why a pod does not run", () => {
  const init = { spec: { containers: [{ name: "a" }], initContainers: [{ name: "i" }, { name: "j" }] } };
  const cases: readonly (readonly [Pod, string])[] = [
    [pod({ phase: "Pending" }), "Pending"],
    [pod({ phase: "Failed", reason: "Evicted" }), "Evicted"],
    [
      pod({ phase: "Pending", conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }] }),
      "SchedulingGated",
    ],
    [
      pod({ phase: "Pending", containerStatuses: [container({ waiting: { reason: "ImagePullBackOff" } })] }),
      "ImagePullBackOff",
    ],
    [
      pod({ phase: "Pending", containerStatuses: [RUNNING, container({ waiting: { reason: "ErrImagePull" } })] }),
      "ErrImagePull",
    ],
    [pod({ phase: "Running", containerStatuses: [RUNNING, RUNNING] }), "Running"],
    [
      pod({
        phase: "Running",
        containerStatuses: [RUNNING, COMPLETED],
        conditions: [{ type: "Ready", status: "True" }],
      }),
      "Running",
    ],
    [pod({ phase: "Running", containerStatuses: [COMPLETED, RUNNING] }), "NotReady"],
    [pod({ phase: "Succeeded", containerStatuses: [COMPLETED] }), "Completed"],
    [
      pod({ phase: "Failed", containerStatuses: [container({ terminated: { exitCode: 3, reason: "Error" } })] }),
      "Error",
    ],
    [pod({ phase: "Failed", containerStatuses: [container({ terminated: { exitCode: 3 } })] }), "ExitCode:3"],
    [pod({ phase: "Failed", containerStatuses: [container({ terminated: { exitCode: 1, signal: 9 } })] }), "Signal:9"],
    [
      pod(
        { phase: "Pending", initContainerStatuses: [COMPLETED, container({ waiting: { reason: "ErrImagePull" } })] },
        init,
      ),
      "Init:ErrImagePull",
    ],
    [
      pod(
        { phase: "Pending", initContainerStatuses: [COMPLETED, container({ waiting: { reason: "PodInitializing" } })] },
        init,
      ),
      "Init:1/2",
    ],
    [pod({ phase: "Pending", initContainerStatuses: [container({ running: {} })] }, init), "Init:0/2"],
    [
      pod({ phase: "Pending", initContainerStatuses: [container({ terminated: { exitCode: 2 } })] }, init),
      "Init:ExitCode:2",
    ],
    [pod({ phase: "Running", containerStatuses: [RUNNING] }, { metadata: { deletionTimestamp: "x" } }), "Terminating"],
    [
      pod({ phase: "Succeeded", containerStatuses: [COMPLETED] }, { metadata: { deletionTimestamp: "x" } }),
      "Completed",
    ],
    [pod({ phase: "Running", reason: "NodeLost" }, { metadata: { deletionTimestamp: "x" } }), "Unknown"],
  ];
  assert.deepEqual(
    cases.map(([object]) => podStatusText(object)),
    cases.map(([, text]) => text),
  );
});

test("a pod's row has ready containers, restarts with their age, and places", () => {
  const restarted = { restartCount: 3, lastState: { terminated: { exitCode: 1, finishedAt: "2026-01-31T11:58:00Z" } } };
  const object = pod(
    { phase: "Running", podIP: "10.0.0.1", containerStatuses: [{ ...RUNNING, ...restarted }, RUNNING] },
    { spec: { nodeName: "n", containers: [{ name: "a" }, { name: "b" }] } },
  );
  const { rows } = toTable("Pod", { objects: [object], now: NOW });
  assert.deepEqual(rows, [
    {
      cells: ["p", "2/2", "Running", "3 (2m ago)", "5m", "10.0.0.1", "n", "<none>", "<none>"],
      object: { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata },
    },
  ]);
});

test("a running sidecar counts among the containers", () => {
  const sidecar = { ...RUNNING, name: "s", started: true, restartCount: 1 };
  const object = pod(
    { phase: "Running", initContainerStatuses: [sidecar], containerStatuses: [RUNNING] },
    { spec: { containers: [{ name: "a" }], initContainers: [{ name: "s", restartPolicy: "Always" }] } },
  );
  assert.deepEqual(toTable("Pod", { objects: [object], now: NOW }).rows[0]?.cells.slice(1, 4), ["2/2", "Running", "1"]);
});

test("a completed pod's row says so", () => {
  const { rows } = toTable("Pod", { objects: [pod({ phase: "Succeeded" })], includeObject: "None" });
  assert.equal(rows[0]?.object, null);
  assert.deepEqual(rows[0]?.conditions, [
    { type: "Completed", status: "True", reason: "Succeeded", message: "The pod has completed successfully." },
  ]);
});

test("each kind shows its own columns", () => {
  const metadata = { name: "x", creationTimestamp: "2026-01-31T11:00:00Z" };
  const node = {
    metadata: {
      ...metadata,
      labels: { "node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/control-plane": "" },
    },
    spec: { unschedulable: true },
    status: {
      conditions: [{ type: "Ready", status: "True" }],
      addresses: [{ type: "InternalIP", address: "10.0.0.2" }],
      nodeInfo: {
        kubeletVersion: "v1.35.0",
        osImage: "Debian",
        kernelVersion: "6.1",
        containerRuntimeVersion: "berth://1",
      },
    },
  };
  const event = {
    metadata,
    involvedObject: { kind: "Pod", name: "p", fieldPath: "spec.containers{a}" },
    source: { component: "kubelet", host: "n" },
    firstTimestamp: "2026-01-31T11:00:00Z",
    lastTimestamp: "2026-01-31T11:59:30Z",
    type: "Warning",
    reason: "Failed",
    message: "no\n",
    count: 4,
  };
  const cells = (kind: string, object: object): unknown =>
    toTable(kind, { objects: [object], now: NOW }).rows[0]?.cells;
  assert.deepEqual(
    {
      Node: cells("Node", node),
      Event: cells("Event", event),
      Secret: cells("Secret", { metadata, type: "Opaque", data: { a: "" } }),
      ConfigMap: cells("ConfigMap", { metadata, data: { a: "" }, binaryData: { b: "" } }),
      ServiceAccount: cells("ServiceAccount", { metadata }),
      Namespace: cells("Namespace", { metadata, status: { phase: "Active" } }),
      Lease: cells("Lease", { metadata, spec: { holderIdentity: "n" } }),
      Other: cells("Other", { metadata: { name: "o" } }),
    },
    {
      Node: [
        "x",
        "Ready,SchedulingDisabled",
        "control-plane,worker",
        "60m",
        "v1.35.0",
        "10.0.0.2",
        "<none>",
        "Debian",
        "6.1",
        "berth://1",
      ],
      Event: ["30s", "Warning", "Failed", "pod/p", "spec.containers{a}", "kubelet, n", "no", "60m", 4, "x"],
      Secret: ["x", "Opaque", 1, "60m"],
      ConfigMap: ["x", 2, "60m"],
      ServiceAccount: ["x", 0, "60m"],
      Namespace: ["x", "Active", "60m"],
      Lease: ["x", "n", "60m"],
      Other: ["o", "<unknown>"],
    },
  );
});

test("every row has as many cells as there are columns", () => {
  for (const kind of ["ConfigMap", "Event", "Lease", "Namespace", "Node", "Pod", "Secret", "ServiceAccount", "Other"]) {
    const table = toTable(kind, { objects: [{ metadata: { name: "x" } }] });
    assert.equal(table.rows[0]?.cells.length, table.columnDefinitions.length, kind);
  }
});

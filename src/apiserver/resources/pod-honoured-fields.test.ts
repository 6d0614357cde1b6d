import assert from "node:assert/strict";
import { test } from "node:test";

import type { PodSpec } from "../../api/core-v1.gen.ts";
import { unhonouredSecurity, unhonouredWarnings } from "./pod-honoured-fields.ts";

const plain: PodSpec = { containers: [{ name: "main", image: "a" }] };

test("a pod that asks for nothing special is neither warned of nor refused", () => {
  assert.deepEqual([unhonouredWarnings(plain), unhonouredSecurity(plain)], [[], []]);
});

test("a field that nothing is done about is warned of with its path and what happens instead", () => {
  const probe = { httpGet: { port: 80 } };
  const spec: PodSpec = {
    containers: [{ name: "main", image: "a", livenessProbe: probe }],
    initContainers: [{ name: "first", image: "a", startupProbe: probe }],
    priorityClassName: "high",
    affinity: { podAntiAffinity: {} },
    topologySpreadConstraints: [],
  };
  assert.deepEqual(unhonouredWarnings(spec), [
    "spec.priorityClassName: priorities are not honoured yet; the pod waits for its turn like any other",
    "spec.affinity.podAntiAffinity: not honoured yet; the pod runs on any node that fits",
    "spec.initContainers[0].startupProbe: probes are not run yet; the container counts as started when it runs",
    "spec.containers[0].livenessProbe: probes are not run yet; the container counts as alive while it runs",
  ]);
});

test("isolation that the node cannot give is refused, wherever the pod asks for it", () => {
  const spec: PodSpec = {
    hostUsers: false,
    shareProcessNamespace: true,
    runtimeClassName: "gvisor",
    securityContext: { supplementalGroupsPolicy: "Strict", appArmorProfile: { type: "Localhost" } },
    containers: [{ name: "main", image: "a", securityContext: { seLinuxOptions: { level: "s0" } } }],
  };
  assert.deepEqual(
    unhonouredSecurity(spec).map(({ field }) => field),
    [
      "spec.hostUsers",
      "spec.shareProcessNamespace",
      "spec.runtimeClassName",
      "spec.securityContext.supplementalGroupsPolicy",
      "spec.securityContext.appArmorProfile",
      "spec.containers[0].securityContext.seLinuxOptions",
    ],
  );
});

test("empty labels and the runtime's own profile promise nothing", () => {
  const securityContext = { seLinuxOptions: {}, appArmorProfile: { type: "RuntimeDefault" } };
  assert.deepEqual(unhonouredSecurity({ ...plain, securityContext }), []);
});

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { readKubeletConfiguration } from "./kubelet-configuration.ts";

const HEAD = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";

describe("a file of the kubelet's settings", () => {
  let directory: string;
  before(async () => void (directory = await mkdtemp(join(tmpdir(), "kubelet-configuration-"))));
  after(async () => await rm(directory, { recursive: true }));

  async function read(text: string) {
    const path = join(directory, "kubelet.yaml");
    await writeFile(path, text);
    return await readKubeletConfiguration(path);
  }

  test("gives every setting that is honoured, and names the others", async () => {
    const text = `${HEAD}
maxPods: 20
clusterDNS: [10.96.0.10]
clusterDomain: example.test
resolvConf: /run/resolv.conf
staticPodPath: /etc/pods
registerWithTaints: [{ key: dedicated, value: gpu, effect: NoSchedule }]
nodeStatusMaxImages: -1
serializeImagePulls: false
maxParallelImagePulls: 3
registryPullQPS: 5
registryBurst: 10
imageGCHighThresholdPercent: 70
imageGCLowThresholdPercent: 60
imageMinimumGCAge: 5m
imageMaximumGCAge: 168h0m0s
cpuManagerPolicy: static
evictionHard: null
featureGates: { KubeletInUserNamespace: true }
`;
    assert.deepEqual(await read(text), {
      config: {
        maxPods: 20,
        clusterDns: ["10.96.0.10"],
        clusterDomain: "example.test",
        resolvConf: "/run/resolv.conf",
        staticPodPath: "/etc/pods",
        registerWithTaints: [{ key: "dedicated", value: "gpu", effect: "NoSchedule" }],
        nodeStatusMaxImages: Number.POSITIVE_INFINITY,
        serializeImagePulls: false,
        maxParallelImagePulls: 3,
        registryPullQPS: 5,
        registryBurst: 10,
        imageGarbage: {
          highThresholdPercent: 70,
          lowThresholdPercent: 60,
          minimumAgeMs: 300_000,
          maximumAgeMs: 604_800_000,
        },
      },
      unhonoured: ["cpuManagerPolicy", "featureGates"],
    });
  });

  test("may be JSON, and may set nothing", async () => {
    const text = '{"kind":"KubeletConfiguration","apiVersion":"kubelet.config.k8s.io/v1beta1"}';
    assert.deepEqual(await read(text), { config: { imageGarbage: {} }, unhonoured: [] });
  });

  test("is refused where a value cannot be, naming the field", async () => {
    const mistakes: Readonly<Record<string, string>> = {
      "maxPods: many": "maxPods: must be an integer from 1 to 2147483647",
      "maxParallelImagePulls: 0": "maxParallelImagePulls: must be an integer from 1 to 2147483647",
      "registryPullQPS: -1": "registryPullQPS: must be an integer from 0 to 2147483647",
      "serializeImagePulls: 'yes'": "serializeImagePulls: must be true or false",
      "serializeImagePulls: true\nmaxParallelImagePulls: 2":
        "maxParallelImagePulls: cannot be larger than 1 unless serializeImagePulls is false",
      "imageGCHighThresholdPercent: 101": "imageGCHighThresholdPercent: must be an integer from 0 to 100",
      "imageGCHighThresholdPercent: 80":
        "imageGCHighThresholdPercent: 80 must be greater than imageGCLowThresholdPercent 80",
      "imageMinimumGCAge: 5": 'imageMinimumGCAge: must be a time span such as "2m0s"',
      "imageMaximumGCAge: 1m": "imageMaximumGCAge: must not be less than imageMinimumGCAge",
      "clusterDNS: 10.96.0.10": "clusterDNS: must be a list",
      "registerWithTaints: [{ key: a, effect: Never }]":
        "registerWithTaints[0].effect: must be one of NoSchedule, PreferNoSchedule, NoExecute",
    };
    for (const [line, problem] of Object.entries(mistakes)) {
      const message = `Cannot use the kubelet configuration "${join(directory, "kubelet.yaml")}": ${problem}`;
      await assert.rejects(read(`${HEAD}${line}\n`), { code: "CONFIG_INVALID", message });
    }
  });

  test("is refused where it is something else", async () => {
    await assert.rejects(read("[]"), /: it is not an object$/);
    await assert.rejects(
      read("kind: KubeletConfiguration"),
      /: apiVersion: must be "kubelet\.config\.k8s\.io\/v1beta1"$/,
    );
    await assert.rejects(read(HEAD.replace("KubeletC", "C")), /: kind: must be "KubeletConfiguration"$/);
    await assert.rejects(read(`${HEAD}maxPods: 1\nmaxPods: 2\n`), /Map keys must be unique/);
    await assert.rejects(readKubeletConfiguration(join(directory, "absent.yaml")), { code: "CONFIG_INVALID" });
  });
});

import type { Container, EphemeralContainer, Pod, PodSpec, ResourceRequirements } from "../core-v1.gen.ts";
import { podImages, setPullPolicy } from "../pod-images.ts";
import { defaultContainer } from "./container.ts";
import { defaultPullPolicy } from "./pull-policy.ts";
import { defaultVolume } from "./volume.ts";

/** Fills in what a pod leaves out, as Kubernetes' `SetDefaults_Pod` and its parts do. */
export function defaultPod(pod: Pod): void {
  if (pod.spec === undefined) return;
  defaultPodSpec(pod.spec);
  for (const container of [...(pod.spec.initContainers ?? []), ...(pod.spec.containers ?? [])]) {
    defaultRequests(container.resources);
  }
}

function defaultPodSpec(spec: PodSpec): void {
  spec.restartPolicy ??= "Always";
  spec.dnsPolicy ??= "ClusterFirst";
  spec.terminationGracePeriodSeconds ??= 30;
  spec.securityContext ??= {};
  spec.schedulerName ??= "default-scheduler";
  spec.enableServiceLinks ??= true;
  defaultServiceAccount(spec);
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
  for (const container of allContainers(spec)) defaultContainer(container);
  for (const image of podImages(spec)) {
    if (image.pullPolicy === undefined) setPullPolicy(image, defaultPullPolicy(image.image));
  }
  if (spec.hostNetwork === true) defaultHostPorts(spec);
}

function allContainers(spec: PodSpec): readonly (Container | EphemeralContainer)[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
}

/** The deprecated field and its successor always say the same. */
function defaultServiceAccount(spec: PodSpec): void {
  const name = spec.serviceAccountName ?? spec.serviceAccount;
  if (name === undefined) return;
  spec.serviceAccountName = name;
  spec.serviceAccount = name;
}

function defaultRequests(resources: ResourceRequirements | undefined): void {
  if (resources?.limits === undefined) return;
  resources.requests = { ...resources.limits, ...resources.requests };
}

function defaultHostPorts(spec: PodSpec): void {
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    for (const port of container.ports ?? []) port.hostPort ??= port.containerPort;
  }
}

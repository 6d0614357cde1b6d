import type { Container, EphemeralContainer, PodSpec, Volume } from "../../api/core-v1.gen.ts";

/** Returns the names of the objects of `resource` in its namespace that a pod refers to. */
export function podReferences(spec: PodSpec, resource: string): ReadonlySet<string> {
  return new Set(referencesOf(spec, resource).map((name) => name ?? ""));
}

function referencesOf(spec: PodSpec, resource: string): readonly (string | undefined)[] {
  switch (resource) {
    case "secrets":
      return [
        ...(spec.imagePullSecrets ?? []).map(({ name }) => name),
        ...containersOf(spec).flatMap(secretsOfContainer),
        ...(spec.volumes ?? []).flatMap(secretsOfVolume),
      ];
    case "configmaps":
      return [
        ...containersOf(spec).flatMap(configMapsOfContainer),
        ...(spec.volumes ?? []).flatMap(({ configMap, projected }) => [
          configMap?.name,
          ...(projected?.sources ?? []).map((source) => source.configMap?.name),
        ]),
      ];
    case "serviceaccounts":
      return [spec.serviceAccountName];
    default:
      return [];
  }
}

type AnyContainer = Container | EphemeralContainer;

function containersOf(spec: PodSpec): readonly AnyContainer[] {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
}

function secretsOfContainer({ env, envFrom }: AnyContainer): (string | undefined)[] {
  return [
    ...(env ?? []).map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
    ...(envFrom ?? []).map(({ secretRef }) => secretRef?.name),
  ];
}

function configMapsOfContainer({ env, envFrom }: AnyContainer): (string | undefined)[] {
  return [
    ...(env ?? []).map(({ valueFrom }) => valueFrom?.configMapKeyRef?.name),
    ...(envFrom ?? []).map(({ configMapRef }) => configMapRef?.name),
  ];
}

function secretsOfVolume(volume: Volume): (string | undefined)[] {
  return [
    volume.secret?.secretName,
    volume.csi?.nodePublishSecretRef?.name,
    ...(volume.projected?.sources ?? []).map((source) => source.secret?.name),
  ];
}

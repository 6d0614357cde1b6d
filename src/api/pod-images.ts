import type { Container, EphemeralContainer, ImageVolumeSource, PodSpec } from "./core-v1.gen.ts";

/** An image that a pod needs, and who needs it. */
export type PodImage = ContainerImage | VolumeImage;

export interface ContainerImage {
  readonly kind: "initContainer" | "container" | "ephemeralContainer";
  /** The container's name. */
  readonly name: string;
  /** As the pod has it; empty where it has none. */
  readonly image: string;
  readonly pullPolicy: string | undefined;
  /** The path for validation, as in `spec.containers[0]`. */
  readonly path: string;
  /** The path for events, as in `spec.containers{main}`. */
  readonly fieldPath: string;
  readonly container: Container | EphemeralContainer;
}

export interface VolumeImage {
  readonly kind: "volume";
  /** The volume's name. */
  readonly name: string;
  readonly image: string;
  readonly pullPolicy: string | undefined;
  /** As in `spec.volumes[0].image`. */
  readonly path: string;
  /** As in `spec.volumes{data}`. */
  readonly fieldPath: string;
  readonly source: ImageVolumeSource;
}

/** Walks over all images of a pod: init, regular and ephemeral containers, then image volumes. Every policy uses this. */
export function* podImages(spec: PodSpec): Generator<PodImage> {
  yield* containerImages("initContainer", "initContainers", spec.initContainers);
  yield* containerImages("container", "containers", spec.containers);
  yield* containerImages("ephemeralContainer", "ephemeralContainers", spec.ephemeralContainers);
  for (const [index, { name, image }] of (spec.volumes ?? []).entries()) {
    if (image === undefined) continue;
    yield {
      kind: "volume",
      name,
      image: image.reference ?? "",
      pullPolicy: image.pullPolicy,
      path: `spec.volumes[${index}].image`,
      fieldPath: `spec.volumes{${name}}`,
      source: image,
    };
  }
}

/** Sets the pull policy where the pod has it. */
export function setPullPolicy(image: PodImage, policy: string): void {
  if (image.kind === "volume") image.source.pullPolicy = policy;
  else image.container.imagePullPolicy = policy;
}

function* containerImages(
  kind: ContainerImage["kind"],
  list: string,
  containers: readonly (Container | EphemeralContainer)[] | undefined,
): Generator<ContainerImage> {
  for (const [index, container] of (containers ?? []).entries()) {
    yield {
      kind,
      name: container.name,
      image: container.image ?? "",
      pullPolicy: container.imagePullPolicy,
      path: `spec.${list}[${index}]`,
      fieldPath: `spec.${list}{${container.name}}`,
      container,
    };
  }
}

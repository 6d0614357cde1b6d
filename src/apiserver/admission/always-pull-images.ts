import type { Pod } from "../../api/core-v1.gen.ts";
import { notSupported } from "../../api/field-error.ts";
import { podImages, setPullPolicy } from "../../api/pod-images.ts";
import { PODS } from "../../api/resource-types.ts";
import { forbiddenStatus } from "../../api/status.ts";
import { fieldErrorText } from "../../api/field-error.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";

const ALWAYS = "Always";

/** Makes every start of a container ask the registry, so that a cached image is no way around its credentials. */
export const alwaysPullImages: AdmissionPlugin = {
  name: "AlwaysPullImages",
  admit: (request) => {
    if (!concerns(request)) return Promise.resolve();
    for (const image of imagesOf(request.object as Pod)) setPullPolicy(image, ALWAYS);
    return Promise.resolve();
  },
  validate: (request) => {
    if (!concerns(request)) return Promise.resolve();
    for (const image of imagesOf(request.object as Pod)) {
      if (image.pullPolicy === ALWAYS) continue;
      const path = `${image.path}.${image.kind === "volume" ? "pullPolicy" : "imagePullPolicy"}`;
      const error = notSupported(path, image.pullPolicy ?? "", [ALWAYS]);
      return Promise.reject(forbiddenStatus(PODS, request.name, fieldErrorText(error)));
    }
    return Promise.resolve();
  },
};

function concerns({ operation, type, subresource, object, old }: AdmissionRequest): boolean {
  if (type.kind !== PODS.kind || subresource !== undefined || operation === "DELETE") return false;
  return operation === "CREATE" || bringsNewImage(object as Pod, old as Pod);
}

// A pod that was there before is left alone until it gets an image it did not have.
function bringsNewImage(pod: Pod, old: Pod): boolean {
  const known = new Set([...imagesOf(old)].map(({ image }) => image));
  return [...imagesOf(pod)].some(({ image }) => !known.has(image));
}

function imagesOf({ spec }: Pod) {
  return spec === undefined ? [] : [...podImages(spec)];
}

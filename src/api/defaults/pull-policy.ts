import { parseReference } from "../../oci/reference.ts";

/** Returns the pull policy that an image gets when none is given: `Always` for the tag `latest`, given or implied. */
export function defaultPullPolicy(image: string): "Always" | "IfNotPresent" {
  return tagOf(image) === "latest" ? "Always" : "IfNotPresent";
}

function tagOf(image: string): string | undefined {
  try {
    const { tag, digest } = parseReference(image);
    return tag === undefined && digest === undefined ? "latest" : tag;
  } catch {
    // What does not parse is reported by the kubelet, which alone pulls it.
    return undefined;
  }
}

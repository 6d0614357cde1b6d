import type { AdmissionPlugin } from "./admission.ts";
import { alwaysPullImages } from "./always-pull-images.ts";
import { defaultTolerationSeconds } from "./default-tolerations.ts";
import { honouredSecurity } from "./honoured-security.ts";
import { namespaceLifecycle } from "./namespace-lifecycle.ts";
import { nodeRestriction } from "./node-restriction.ts";
import { serviceAccount } from "./service-account.ts";

// In the order in which they are asked.
const PLUGINS: readonly { readonly plugin: AdmissionPlugin; readonly byDefault: boolean }[] = [
  { plugin: namespaceLifecycle, byDefault: true },
  { plugin: nodeRestriction, byDefault: true },
  { plugin: serviceAccount, byDefault: true },
  { plugin: defaultTolerationSeconds, byDefault: true },
  { plugin: honouredSecurity, byDefault: true },
  { plugin: alwaysPullImages, byDefault: false },
];

/** Names of all admission plug-ins, as `--enable-admission-plugins` takes them. */
export const ADMISSION_PLUGIN_NAMES: readonly string[] = PLUGINS.map(({ plugin }) => plugin.name);

/** Returns the plug-ins that are on by default and those in `enabled`. Throws `RangeError` for a name that is none. */
export function admissionPlugins(enabled: readonly string[] = []): readonly AdmissionPlugin[] {
  const unknown = enabled.find((name) => !ADMISSION_PLUGIN_NAMES.includes(name));
  if (unknown !== undefined) {
    throw new RangeError(
      `Cannot enable admission plug-in "${unknown}": there are ${ADMISSION_PLUGIN_NAMES.join(", ")}`,
    );
  }
  return PLUGINS.filter(({ plugin, byDefault }) => byDefault || enabled.includes(plugin.name)).map(
    ({ plugin }) => plugin,
  );
}

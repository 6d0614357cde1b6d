import type { ClusterStatus, RoleName } from "../instance/cluster-status.ts";
import { DEFAULT_NAME } from "./cluster-flags.ts";
import { styled } from "./report-error.ts";

/** Where the context of a cluster was put. */
export interface ContextPlace {
  readonly file: string;
  readonly context: string;
  /** Whether kubectl uses it without being told. */
  readonly isCurrent: boolean;
}

/** Writes what happens while a cluster starts, one line a step, to standard error. */
export class StartProgress {
  readonly #startedAt = performance.now();
  readonly #shown = new Set<RoleName>();

  /** A step that is done. */
  step(name: string, detail: string, ms = performance.now() - this.#startedAt): void {
    const time = `${Math.round(ms)} ms`.padStart(9);
    process.stderr.write(` ${styled("green", "✓")} ${name.padEnd(9)} ${detail.padEnd(64)} ${styled("dim", time)}\n`);
  }

  /** Shows the roles that have become ready. */
  show(status: ClusterStatus): void {
    for (const name of ["control", "node"] as const) {
      const role = status.roles[name];
      if (role?.state !== "ready" || this.#shown.has(name)) continue;
      this.#shown.add(name);
      this.step(name, role.detail ?? "");
    }
  }

  /** The last lines: it is ready, where its context is, what to do next. */
  ready(status: ClusterStatus, place: ContextPlace): void {
    const seconds = ((performance.now() - this.#startedAt) / 1000).toFixed(1);
    process.stderr.write(`Cluster "${status.name}" is ready in ${seconds} s. ${describePlace(place)}\n`);
    const next = place.isCurrent ? "kubectl get pods -A" : `kubectl --kubeconfig ${place.file} get pods -A`;
    const flag = nameFlag(status.name);
    process.stderr.write(`Next: ${next} · berth status${flag} · berth down${flag}\n`);
  }
}

/** Returns the flag that means this cluster in a command to type, with a space before it; nothing for the default one. */
export function nameFlag(name: string): string {
  return name === DEFAULT_NAME ? "" : ` --name ${name}`;
}

/** Says in a sentence where the context is. */
export function describePlace(place: ContextPlace): string {
  return place.isCurrent
    ? `kubectl now uses context "${place.context}" (${place.file}).`
    : `Its kubeconfig is ${place.file}, context "${place.context}".`;
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { anything, assert as check, constantFrom, integer, jsonValue, oneof, property } from "fast-check";
import { applyDefaults } from "./defaults/apply-defaults.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import { type Scalar, typeRefOfKind, typeSchema } from "./schema/type-schema.ts";
import { decodeValue } from "./strict-decoding.ts";
import { toTable } from "./table.ts";
import { validateCreate, validateUpdate } from "./validation/validate.ts";

const KINDS = {
  ConfigMap: "v1",
  Event: "v1",
  Lease: "coordination.k8s.io/v1",
  Namespace: "v1",
  Node: "v1",
  Pod: "v1",
  Secret: "v1",
  ServiceAccount: "v1",
};

/** Makes an object that has every field of its type, filled as far as `depth` goes; `leaf` gives the scalars. */
function fullObject(ref: string, depth: number, leaf: (scalar: Scalar) => unknown): unknown {
  const fields = Object.entries(typeSchema(ref)?.fields ?? {}).filter(
    ([name]) => name !== "kind" && name !== "apiVersion",
  );
  return Object.fromEntries(
    fields.map(([name, field]) => {
      const value =
        field.ref === undefined
          ? leaf(field.scalar ?? "any")
          : depth === 0
            ? {}
            : fullObject(field.ref, depth - 1, leaf);
      if (field.container === "list") return [name, [value]];
      return [name, field.container === undefined ? value : { k: field.container === "map" ? value : [value] }];
    }),
  );
}

const ODD_VALUES: Record<Scalar, readonly unknown[]> = {
  string: ["x", "", "A b", "-", "..", "/", "é", "a".repeat(300), "Localhost", "Always", "Exists", "__proto__"],
  int32: [0, 1, -1, 70_000, 2 ** 31 - 1, -(2 ** 31)],
  int64: [0, 1, -1, 2 ** 53, -(2 ** 53)],
  double: [0, -0.5, 1e300],
  boolean: [true, false],
  bytes: ["", "YQ==", "e30=", "e30K"],
  time: ["2026-01-31T00:00:00Z", null],
  microTime: ["2026-01-31T00:00:00.000001Z", null],
  duration: ["1s", ""],
  quantity: ["0", "-1", "100m", "1e30", "1Ei", 5],
  intOrString: [0, -1, 70_000, "", "50%", "UP"],
  raw: [{}, [], null, "x", 1],
  any: [{}, [], null, "x", 1],
};

/** Runs an object through everything that reads one; returns why it was refused. */
function digest(kind: keyof typeof KINDS, value: unknown): string | undefined {
  let object: KubernetesObject;
  try {
    ({ object } = decodeValue<KubernetesObject>(value, { apiVersion: KINDS[kind], kind }));
  } catch (error) {
    assert.equal((error as { code?: string }).code, "BadRequest", (error as Error).stack);
    return (error as Error).message;
  }
  toTable(kind, { objects: [object] });
  applyDefaults(kind, object);
  validateCreate(kind, object);
  validateUpdate(kind, object, { metadata: { name: "x" } });
  toTable(kind, { objects: [object] });
  return undefined;
}

for (const kind of Object.keys(KINDS) as (keyof typeof KINDS)[]) {
  const ref = typeRefOfKind(KINDS[kind], kind) ?? "";

  test(`a ${kind} with every field, holding odd values of the right type, is digested`, () => {
    check(
      property(integer({ min: 1, max: 2 ** 30 }), integer({ min: 0, max: 4 }), (seed, depth) => {
        let state = seed;
        const odd = (scalar: Scalar): unknown => {
          state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
          const values = ODD_VALUES[scalar];
          return values[state % values.length];
        };
        const value = fullObject(ref, depth, odd);
        assert.equal(digest(kind, { ...(value as object), kind: "", apiVersion: "" }), undefined);
      }),
      { numRuns: 30 },
    );
  });

  test(`a ${kind} whose every text is fine and whose numbers are odd is digested`, () => {
    for (const number of [-1, 0, 1, 2 ** 31 - 1]) {
      const value = fullObject(ref, 6, () => null);
      assert.equal(
        digest(kind, { ...(value as object), metadata: { generation: number, labels: { a: "" } } }),
        undefined,
      );
    }
  });

  test(`a ${kind} with any JSON in place of a field is refused or digested`, () => {
    const names = Object.keys(typeSchema(ref)?.fields ?? {});
    check(
      property(constantFrom(...names), oneof(jsonValue(), anything({ maxDepth: 1 })), (name, junk) => {
        digest(kind, { metadata: { name: "x", namespace: "n" }, [name]: junk });
      }),
      { numRuns: 200 },
    );
  });
}

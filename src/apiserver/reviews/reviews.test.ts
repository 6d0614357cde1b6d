import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { SelfSubjectReview } from "../../api/authentication-v1.gen.ts";
import type {
  ResourceAttributes,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
} from "../../api/authorization-v1.gen.ts";
import type { Status } from "../../api/meta-v1.gen.ts";
import { issueClientCertificate, type KeyPair } from "../../pki/key-pair.ts";
import { callApi } from "../../testing/api-call.ts";
import { startTestApiServer, type TestApiServer } from "../../testing/api-server.ts";

let server: TestApiServer;
let node: KeyPair;
let jane: KeyPair;

before(async () => {
  server = await startTestApiServer({ nodeName: "vm" });
  node = server.keys.node?.client ?? assert.fail();
  jane = await issueClientCertificate(server.keys.ca, { commonName: "jane", organizations: ["dev"] });
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

interface Asking {
  readonly user?: KeyPair;
  readonly headers?: Readonly<Record<string, string>>;
}

async function ask<T>(kind: string, spec: object, asking: Asking = {}) {
  const group = kind === "SelfSubjectReview" ? "authentication.k8s.io" : "authorization.k8s.io";
  return await callApi<T>(server, {
    method: "POST",
    path: `/apis/${group}/v1/${kind.toLowerCase()}s`,
    body: { apiVersion: `${group}/v1`, kind, spec },
    ...asking,
  });
}

const mayI = async (resourceAttributes: ResourceAttributes, user: KeyPair) =>
  (await ask<SubjectAccessReview>("SelfSubjectAccessReview", { resourceAttributes }, { user })).body.status?.allowed;

describe("a review", () => {
  test("tells who one is", async () => {
    const { status, body } = await callApi<SelfSubjectReview>(server, {
      method: "POST",
      path: "/apis/authentication.k8s.io/v1/selfsubjectreviews",
      body: {},
      user: jane,
    });
    assert.deepEqual(
      [status, body.status],
      [201, { userInfo: { username: "jane", groups: ["dev", "system:authenticated"] } }],
    );
  });

  test("tells what one may do, as the authorizers decide it", async () => {
    assert.equal(await mayI({ verb: "list", resource: "pods", namespace: "default" }, jane), false);
    assert.equal(await mayI({ verb: "create", resource: "nodes" }, node), true);
    assert.equal(await mayI({ verb: "list", resource: "pods" }, node), false);
    const fieldSelector = { requirements: [{ key: "spec.nodeName", operator: "In", values: ["vm"] }] };
    assert.equal(await mayI({ verb: "list", resource: "pods", fieldSelector }, node), true);
    assert.equal(await mayI({ verb: "list", resource: "pods", fieldSelector: { rawSelector: "" } }, node), false);
  });

  test("tells what others may do, to those who may ask", async () => {
    const spec: SubjectAccessReviewSpec = { user: "jane", nonResourceAttributes: { path: "/metrics", verb: "get" } };
    const byNode = await ask<SubjectAccessReview>("SubjectAccessReview", spec, { user: node });
    assert.deepEqual([byNode.status, byNode.body.status], [201, { allowed: false }]);
    const master = await ask<SubjectAccessReview>("SubjectAccessReview", { ...spec, groups: ["system:masters"] });
    assert.equal(master.body.status?.allowed, true);
    assert.equal((await ask("SubjectAccessReview", spec, { user: jane })).status, 403);
  });

  test("lists rules, and says where they are not all", async () => {
    const rulesOf = async (user: KeyPair) =>
      (await ask<SelfSubjectRulesReview>("SelfSubjectRulesReview", { namespace: "default" }, { user })).body.status;
    const scheduler = await rulesOf(server.keys.scheduler);
    assert.equal(scheduler?.incomplete, false);
    assert.ok(
      scheduler.resourceRules.some(
        ({ verbs, resources }) => verbs[0] === "create" && resources?.[0] === "pods/binding",
      ),
    );
    assert.equal((await rulesOf(node))?.evaluationError, "node authorizer does not support user rule resolution");
  });

  test("that asks nothing, or about nobody, is invalid", async () => {
    const { status, body } = await ask<Status>("SubjectAccessReview", {});
    assert.deepEqual(
      [status, body.details?.causes?.map(({ field }) => field)],
      [422, ["spec.resourceAttributes", "spec.user"]],
    );
  });

  test("is only ever created", async () => {
    const path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    assert.equal((await callApi(server, { path })).status, 405);
    assert.equal((await callApi(server, { path: `${path}/x` })).status, 404);
  });
});

describe("impersonation", () => {
  const asJane = { "impersonate-user": "jane", "impersonate-group": "dev, ops" };

  test("makes a master somebody else, with that one's rights", async () => {
    const { body } = await ask<SelfSubjectReview>("SelfSubjectReview", {}, { headers: asJane });
    assert.deepEqual(body.status?.userInfo, { username: "jane", groups: ["dev", "ops", "system:authenticated"] });
    assert.equal((await callApi(server, { path: "/api/v1/pods", headers: asJane })).status, 403);
  });

  test("gives a service account its groups", async () => {
    const headers = { "impersonate-user": "system:serviceaccount:default:builder" };
    const { body } = await ask<SelfSubjectReview>("SelfSubjectReview", {}, { headers });
    assert.deepEqual(body.status?.userInfo?.groups, [
      "system:serviceaccounts",
      "system:serviceaccounts:default",
      "system:authenticated",
    ]);
  });

  test("is refused to who may not, and without a user", async () => {
    const path = "/api";
    const { status, body } = await callApi<Status>(server, {
      path,
      user: jane,
      headers: { "impersonate-user": "root" },
    });
    assert.equal(status, 403);
    assert.equal(
      body.message,
      'users "root" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope',
    );
    const masters = { "impersonate-user": "jane", "impersonate-group": "system:masters" };
    assert.equal((await callApi(server, { path, user: jane, headers: masters })).status, 403);
    assert.equal((await callApi(server, { path, user: null, headers: masters })).status, 401);
    assert.equal((await callApi(server, { path, headers: { "impersonate-group": "dev" } })).status, 400);
  });
});

test("a deletion whose policy is not honoured says so", async () => {
  const path = "/api/v1/namespaces/default/configmaps";
  for (const policy of ["Foreground", "Orphan"]) {
    await callApi(server, { method: "POST", path, body: { metadata: { name: "cm" } } });
    const { headers } = await callApi(server, { method: "DELETE", path: `${path}/cm?propagationPolicy=${policy}` });
    assert.match(String(headers.warning), new RegExp(`^299 - "propagationPolicy ${policy} is not honoured`));
  }
});

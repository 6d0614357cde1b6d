import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";

import { parseReference } from "../../oci/reference.ts";
import type { Endpoint } from "../endpoint.ts";
import { openRegistryHosts, type RegistryHosts } from "./registry-hosts.ts";

interface Opened extends AsyncDisposable {
  readonly registries: RegistryHosts;
  write(name: string, text: string): Promise<void>;
  /** `BASE REPOSITORY` of each endpoint, with marks for what else there is. */
  hostsOf(image: string): Promise<string[]>;
}

async function open(files: Readonly<Record<string, string>>, mirrorsOnly = false): Promise<Opened> {
  const directory = await mkdtemp(join(tmpdir(), "berth-hosts-"));
  const write = async (name: string, text: string) => {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  };
  for (const [name, text] of Object.entries(files)) await write(name, text);
  const registries = openRegistryHosts({
    registriesFiles: [join(directory, "first.yaml"), join(directory, "registries.yaml")],
    certsDirectories: [join(directory, "certs.d")],
    mirrorsOnly,
  });
  return {
    registries,
    write,
    hostsOf: async (image) => (await registries.hosts(parseReference(image))).map(show),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

function show({ base, repository, isOrigin, credential, namespace, headers, capabilities, tls }: Endpoint): string {
  const marks = [
    isOrigin ? "origin" : "mirror",
    capabilities.has("push") ? "push" : "",
    credential === undefined ? "" : credential.kind,
    namespace === undefined ? "" : `ns=${namespace}`,
    headers === undefined ? "" : JSON.stringify(headers),
    tls?.skipVerify === true ? "insecure" : "",
  ];
  return [base.href, repository, ...marks].filter((mark) => mark !== "").join(" ");
}

const REGISTRIES = `
mirrors:
  docker.io:
    endpoint:
      - "https://mirror.example:5000"
      - http://other.example/v2/hub
    rewrite:
      "^library/(.*)": "hub/\${1}"
  registry.example:5000:
    endpoint: ["http://registry.example:5000"]
  "*":
    endpoint: [localhost:5001]
configs:
  "mirror.example:5000":
    auth: {username: alice, password: s3cret}
    tls: {insecure_skip_verify: true}
  docker.io:
    auth: {identity_token: t}
`;

test("mirrors are asked in their order, the registry last and without rewrites, each with its own credential", async () => {
  await using opened = await open({ "registries.yaml": REGISTRIES });
  assert.deepEqual(await opened.hostsOf("busybox"), [
    "https://mirror.example:5000/v2 hub/busybox mirror basic ns=docker.io insecure",
    "http://other.example/v2/hub hub/busybox mirror ns=docker.io",
    "https://registry-1.docker.io/v2 library/busybox origin push identity-token",
  ]);
  assert.deepEqual(await opened.hostsOf("registry.example:5000/a"), ["http://registry.example:5000/v2 a origin push"]);
  assert.deepEqual(await opened.hostsOf("quay.io/a/b"), [
    "http://localhost:5001/v2 a/b mirror ns=quay.io",
    "https://quay.io/v2 a/b origin push",
  ]);
});

test("without the default endpoint a registry that has mirrors is left alone", async () => {
  await using opened = await open({ "registries.yaml": "mirrors: {quay.io: {endpoint: [https://m.example]}}" }, true);
  assert.deepEqual(await opened.hostsOf("quay.io/a"), ["https://m.example/v2 a mirror ns=quay.io"]);
  assert.deepEqual(await opened.hostsOf("ghcr.io/a"), ["https://ghcr.io/v2 a origin push"]);
});

test("containerd's hosts.toml is read: order, capabilities, paths, headers, server, ports in names, _default", async () => {
  await using opened = await open({
    "certs.d/docker.io/hosts.toml": `
server = "https://registry-1.docker.io"
[host."https://mirror.example"]
  capabilities = ["pull", "resolve"]
  skip_verify = true
  [host."https://mirror.example".header]
    x-team = ["a", "b"]
[host."https://harbor.example/v2/hub"]
  capabilities = ["pull"]
  override_path = true
[host."harbor.example/proxy"]
`,
    "certs.d/registry.example_5000_/hosts.toml": `[host."http://10.0.0.9:5000"]`,
    "certs.d/_default/hosts.toml": `[host."https://all.example"]`,
  });
  assert.deepEqual(await opened.hostsOf("busybox"), [
    'https://mirror.example/v2 library/busybox mirror ns=docker.io {"x-team":"a, b"} insecure',
    "https://harbor.example/v2/hub library/busybox mirror ns=docker.io",
    "https://harbor.example/proxy/v2 library/busybox mirror push ns=docker.io",
    "https://registry-1.docker.io/v2 library/busybox origin push",
  ]);
  assert.deepEqual(await opened.hostsOf("registry.example:5000/a"), [
    "http://10.0.0.9:5000/v2 a mirror push ns=registry.example:5000",
    "https://registry.example:5000/v2 a origin push",
  ]);
  assert.equal((await opened.hostsOf("quay.io/a"))[0], "https://all.example/v2 a mirror push ns=quay.io");
});

test("a registry's own entry goes before that of all, registries.yaml before hosts.toml, the first file before the next", async () => {
  await using opened = await open({
    "registries.yaml": 'mirrors: {quay.io: {endpoint: [https://y.example]}, "*": {endpoint: [https://all.example]}}',
    "certs.d/quay.io/hosts.toml": '[host."https://t.example"]',
    "certs.d/ghcr.io/hosts.toml": '[host."https://t.example"]',
  });
  const first = async (image: string) => (await opened.hostsOf(image))[0]?.split(" ")[0];
  assert.equal(await first("quay.io/a"), "https://y.example/v2");
  assert.equal(await first("ghcr.io/a"), "https://t.example/v2");
  assert.equal(await first("gcr.io/a"), "https://all.example/v2");
  await opened.write("first.yaml", "mirrors: {gcr.io: {endpoint: [https://first.example]}}");
  assert.equal(await first("gcr.io/a"), "https://first.example/v2");
});

test("a file that changes is read again, and mended it serves again", async () => {
  await using opened = await open({ "registries.yaml": "mirrors: {quay.io: {endpoint: [https://one.example]}}" });
  assert.equal((await opened.hostsOf("quay.io/a")).length, 2);
  await opened.write("registries.yaml", "mirors: {}");
  await assert.rejects(opened.hostsOf("quay.io/a"), {
    code: "HOSTS_INVALID",
    message: /line 1: .*did you mean "mirrors"/,
  });
  await opened.write("registries.yaml", "mirrors: {}");
  assert.deepEqual(await opened.hostsOf("quay.io/a"), ["https://quay.io/v2 a origin push"]);
});

const MISTAKES: readonly (readonly [file: string, text: string, message: RegExp])[] = [
  [
    "registries.yaml",
    "mirrors:\n  a:\n    endpoints: []",
    /line 3: unknown key "endpoints" in a mirror; did you mean "endpoint"\?/,
  ],
  [
    "registries.yaml",
    "mirrors:\n  a:\n    configs: {}",
    /line 3: "configs" does not belong in a mirror but in the file/,
  ],
  [
    "registries.yaml",
    "configs:\n  a:\n    username: x",
    /line 3: "username" does not belong in an entry of configs but in auth/,
  ],
  ["registries.yaml", "configs:\n  a:\n    ca_file: x", /line 3: "ca_file" does not belong in .* but in tls/],
  ["registries.yaml", "configs:\n  a:\n    auth: {username: x}", /line 3: auth has a username but not both/],
  ["registries.yaml", 'configs:\n  "*":\n    auth: {username: x, password: y}', /line 3: auth needs a host/],
  ["registries.yaml", "mirrors:\n  a:\n    endpoint: https://b", /line 3: "endpoint" must be a list/],
  ["registries.yaml", "mirrors:\n  a:\n    endpoint:\n    - ftp://b", /line 4: a host must begin with https/],
  [
    "registries.yaml",
    "mirrors:\n  a:\n    endpoint:\n    - https://u:pass-canary@b",
    /line 4: a host may not hold a user/,
  ],
  ["registries.yaml", 'mirrors:\n  a:\n    rewrite:\n      "(": x', /line 4: the pattern of a rewrite/],
  ["registries.yaml", 'configs:\n  a:\n    auth:\n      password: "pass-canary', /line \d: it is not YAML/],
  [
    "registries.yaml",
    "configs:\n  a:\n    tls: {insecure_skip_verify: yes please}",
    /line 3: "insecure_skip_verify" must be true or false/,
  ],
  [
    "certs.d/a/hosts.toml",
    '\n[host."https://b"]\n  capabilites = []',
    /line 3: unknown key "capabilites" in a host; did you mean/,
  ],
  ["certs.d/a/hosts.toml", '\n[host."https://b"]\n  capabilities = ["pul"]', /line 3: capabilities may be/],
  ["certs.d/a/hosts.toml", '[host."https://b"]\nskip_verify = "yes"', /line 2: "skip_verify" must be true or false/],
  [
    "certs.d/a/hosts.toml",
    '[host."https://b"]\nserver = "x"',
    /line 2: "server" does not belong in a host but in the file/,
  ],
  ["certs.d/a/hosts.toml", "server = x", /line 1: it is not TOML/],
];

for (const [file, text, message] of MISTAKES) {
  test(`${file} is refused for ${JSON.stringify(text)}`, async () => {
    await using opened = await open({ [file]: text });
    await assert.rejects(opened.registries.check(), (error: Error & { code?: string }) => {
      assert.equal(error.code, "HOSTS_INVALID");
      assert.match(error.message, message);
      assert.ok(!error.message.includes("pass-canary"));
      return true;
    });
  });
}

test("docker's certificate files are used where there is no hosts.toml; a file that is no certificate is named", async () => {
  await using opened = await open({ "certs.d/quay.io/ca.crt": "no certificate" });
  await assert.rejects(opened.hostsOf("quay.io/a"), {
    code: "HOSTS_INVALID",
    message: /quay\.io\/ca\.crt": it holds no PEM/,
  });
  await using other = await open({ "certs.d/quay.io/client.cert": "x" });
  await assert.rejects(other.hostsOf("quay.io/a"), {
    code: "HOSTS_INVALID",
    message: /its key "client\.key" is missing/,
  });
});

import type { Logger } from "../base/log.ts";
import type { Storage } from "../storage/storage.ts";
import type { KeyPair } from "../pki/key-pair.ts";
import type { AdmissionPlugin } from "./admission/admission.ts";
import { clusterIp } from "./admission/cluster-ip.ts";
import { admissionPlugins } from "./admission/admission-plugins.ts";
import type { ApiContext } from "./api-context.ts";
import { authenticate } from "./authentication/authenticate.ts";
import { authenticateClientCertificate } from "./authentication/client-certificate.ts";
import { impersonate } from "./authentication/impersonate.ts";
import { authenticateStaticTokens, type StaticToken } from "./authentication/static-tokens.ts";
import { authorize, type Authorizer } from "./authorization/authorize.ts";
import { authorizeComponents, authorizeDiscovery, authorizeMasters } from "./authorization/fixed-rules.ts";
import { authorizeNodes } from "./authorization/node-authorizer.ts";
import { createDiscoveryHandler } from "./discovery/handle-discovery.ts";
import { createResourceHandler } from "./handlers/handle-resource.ts";
import { createHealthHandler, type HealthCheck } from "./handlers/health.ts";
import { createOpenApiHandler, createOpenApiV2Handler } from "./openapi/handle-openapi.ts";
import { type PathRoute, route } from "./handlers/route.ts";
import { compose, type Handler } from "./http/api-request.ts";
import { jsonResponse } from "./http/api-response.ts";
import { createRequestMetrics, type RequestMetrics } from "./metrics/request-metrics.ts";
import { TlsListener } from "./http/tls-listener.ts";
import { createKubeletConnector } from "./kubelet/kubelet-connector.ts";
import { ResourceCatalog } from "./resources/resource-catalog.ts";
import { type DiscoverableKind, discoverableKinds } from "./resources/resource-definition.ts";
import { SERVED_RESOURCES } from "./resources/served-resources.ts";
import { SERVED_REVIEWS } from "./reviews/served-reviews.ts";
import { ensureKubernetesService } from "./services/kubernetes-service.ts";
import { compactRegularly } from "./storage-compaction.ts";
import { Stores } from "./store/stores.ts";
import { ensureSystemNamespaces } from "./system-namespaces.ts";
import { versionInfo } from "./version-info.ts";

/** What an API server is made of. */
export interface ApiServerOptions {
  /** Stays the caller's: closing the server does not close it. */
  readonly storage: Storage;
  readonly keys: ApiServerKeys;
  readonly logger: Logger;
  /** The address to listen on; 127.0.0.1 by default. */
  readonly host?: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Names of admission plug-ins besides those that are on by default. */
  readonly enableAdmissionPlugins?: readonly string[];
  /** Services get their addresses out of this IPv4 range, in CIDR notation; 10.0.0.0/24 by default. */
  readonly serviceRange?: string;
  readonly tokens?: readonly StaticToken[];
}

/** The keys an API server needs; `openKeys` of the pki room returns them among others. */
export interface ApiServerKeys {
  readonly ca: Pick<KeyPair, "certificate">;
  readonly serving: KeyPair;
  /** By which the server proves itself to kubelets. */
  readonly kubeletClient: KeyPair;
}

/** A Kubernetes API server. */
export interface ApiServer extends AsyncDisposable {
  /** The port it listens on; 0 before `start`. */
  readonly port: number;
  /** Loads what is stored and listens; resolves when requests are answered. Throws where either fails. */
  start(): Promise<void>;
  /** Stops taking requests, ends watches cleanly, and waits for what is in flight. Idempotent. */
  close(): Promise<void>;
}

/** Returns a server that has yet to be started. Throws `RangeError` for an unknown admission plug-in. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const { storage, keys, logger } = options;
  const stores = new Stores(storage, logger);
  const catalog = new ResourceCatalog(SERVED_RESOURCES, stores);
  const { serviceRange = DEFAULT_SERVICE_RANGE } = options;
  const plugins = admissionPlugins(options.enableAdmissionPlugins);
  const admission: readonly AdmissionPlugin[] = [...plugins, clusterIp(serviceRange)];
  const kubelets = createKubeletConnector(keys.kubeletClient, keys.ca.certificate);
  const context: ApiContext = { stores, storage, admission, kubelets, logger };
  const closing = new AbortController();
  const kinds = [...catalog.definitions.flatMap(discoverableKinds), ...SERVED_REVIEWS];
  const metrics = createRequestMetrics(kinds, {
    objectCounts: () => stores.objectCounts(),
  });
  const handler = createHandler({ options, catalog, context, metrics, kinds });
  const listener = new TlsListener({ handler, keys, logger, closing: closing.signal });
  const close = async () => {
    if (closing.signal.aborted) return;
    closing.abort();
    await listener.close();
    await stores.close();
    kubelets.close();
  };
  return {
    get port() {
      return listener.port;
    },
    start: async () => {
      await stores.start();
      await ensureSystemNamespaces(stores);
      compactRegularly(storage, logger, closing.signal);
      await listener.listen(options.port, options.host ?? "127.0.0.1");
      await ensureKubernetesService(stores, serviceRange, listener.port);
      // Not now: whoever waited for the server asks in this moment.
      setTimeout(() => metrics.load(), METRICS_DELAY_MS).unref();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

// As Kubernetes has it where nobody chose.
const DEFAULT_SERVICE_RANGE = "10.0.0.0/24";
const METRICS_DELAY_MS = 2000;

interface HandlerParts {
  readonly options: ApiServerOptions;
  readonly catalog: ResourceCatalog;
  readonly context: ApiContext;
  readonly metrics: RequestMetrics;
  readonly kinds: readonly DiscoverableKind[];
}

function createHandler({ options, catalog, context, metrics, kinds }: HandlerParts): Handler {
  const authorizers: readonly Authorizer[] = [
    authorizeMasters,
    authorizeNodes(context.stores),
    authorizeComponents,
    authorizeDiscovery,
  ];
  const resources = createResourceHandler({ catalog, context, authorizers, reviews: SERVED_REVIEWS });
  const routes: readonly PathRoute[] = [
    ...healthRoutes(context),
    { path: "/version", handler: () => Promise.resolve(jsonResponse(200, versionInfo())) },
    { path: "/metrics", handler: metrics.handler },
    { path: "/openapi/v2", handler: createOpenApiV2Handler(kinds) },
    { path: "/openapi/v3", includesBelow: true, handler: createOpenApiHandler(kinds) },
    { path: "/api", includesBelow: true, handler: createDiscoveryHandler(kinds) },
    { path: "/apis", includesBelow: true, handler: createDiscoveryHandler(kinds) },
  ];
  return compose(
    [
      metrics.middleware,
      authenticate([authenticateClientCertificate, authenticateStaticTokens(options.tokens ?? [])]),
      impersonate(authorizers),
      authorize(authorizers),
    ],
    route(resources, routes),
  );
}

function healthRoutes({ storage }: ApiContext): PathRoute[] {
  const ping: HealthCheck = { name: "ping", run: () => Promise.resolve() };
  const stored: HealthCheck = {
    name: "storage",
    run: async () => {
      await storage.status();
    },
  };
  return [
    { path: "/livez", handler: createHealthHandler("livez", [ping]) },
    { path: "/readyz", handler: createHealthHandler("readyz", [ping, stored]) },
    { path: "/healthz", handler: createHealthHandler("healthz", [ping, stored]) },
  ];
}

import { type Clock, systemClock } from "../base/clock.ts";
import { messageOf } from "../base/coded-error.ts";
import { type Logger, silentLogger } from "../base/log.ts";
import type { InformerFactory } from "../client/informer-factory.ts";
import type { RestClient } from "../client/rest-client.ts";
import type { Controller, ControllerContext } from "./controller.ts";
import { runNamespaceController } from "./namespace/run-namespace-controller.ts";
import { runNodeLifecycleController } from "./node-lifecycle/run-node-lifecycle-controller.ts";
import { runPodGcController } from "./pod-gc/run-pod-gc-controller.ts";
import { runRootCaController } from "./root-ca/run-root-ca-controller.ts";
import { runServiceAccountController } from "./service-account/run-service-account-controller.ts";

/** What the controllers need. The informers may be shared with others; somebody else runs them. */
export interface ControllersOptions {
  readonly client: RestClient;
  readonly informers: InformerFactory;
  readonly signal: AbortSignal;
  /** The authority of the API server's certificate (PEM), told to the pods of each namespace. */
  readonly rootCa?: string;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** Runs all controllers until `signal` aborts. Never throws. */
export async function runControllers(options: ControllersOptions): Promise<void> {
  const { rootCa } = options;
  const context = { ...options, clock: options.clock ?? systemClock, logger: options.logger ?? silentLogger };
  const controllers: readonly Controller[] = [
    runServiceAccountController,
    runNamespaceController,
    runNodeLifecycleController,
    runPodGcController,
    ...(rootCa === undefined ? [] : [(each: ControllerContext) => runRootCaController(each, rootCa)]),
  ];
  await Promise.all(controllers.map((controller) => runOne(controller, context)));
}

async function runOne(controller: Controller, context: ControllerContext): Promise<void> {
  try {
    await controller(context);
  } catch (error) {
    // Queues and loops answer for what they meet; what comes out here is a fault, which must not take the others along.
    context.logger.error({ controller: controller.name, error: messageOf(error) }, "controller ended");
  }
}

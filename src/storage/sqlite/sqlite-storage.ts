import { Worker } from "node:worker_threads";
import { siblingModule } from "../../base/sibling-module.ts";
import {
  type LeaseId,
  type RangeRequest,
  type RangeResponse,
  type Storage,
  StorageError,
  type StorageStatus,
  type TxnRequest,
  type TxnResponse,
  type WatchBatch,
  type WatchRequest,
} from "../storage.ts";
import { WatchHub, type WatchStart } from "../watch-hub.ts";
import type {
  WorkerAnswer,
  WorkerCall,
  WorkerError,
  WorkerMessage,
  WorkerOptions,
  WorkerRequest,
} from "./worker-protocol.ts";

/** How to open a SQLite store. */
export interface SqliteStorageOptions {
  /** The database file; its directory exists. Only one process opens it at a time. */
  readonly path: string;
  /** Batches a watch may fall behind before it is ended. */
  readonly watchCapacity?: number;
  /** Told once when the store fails for good: nothing works afterwards but opening it anew. */
  readonly onFailure?: (error: StorageError) => void;
}

/** Opens the store at `path`, making it where it is missing. The database lives in a worker thread. */
export async function openSqliteStorage(options: SqliteStorageOptions): Promise<Storage> {
  const storage = new SqliteStorage(options);
  await storage.opened();
  return storage;
}

class SqliteStorage implements Storage {
  readonly #worker: Worker;
  readonly #hub: WatchHub;
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #opened = Promise.withResolvers<unknown>();
  #lastId = 0;
  #revision = 0;
  #end: StorageError | undefined;

  constructor(options: SqliteStorageOptions) {
    this.#hub = new WatchHub(options.watchCapacity);
    this.#pending.set(0, this.#opened);
    this.#worker = new Worker(siblingModule(import.meta.url, "storage-worker"), {
      name: "storage",
      workerData: { path: options.path } satisfies WorkerOptions,
      resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 8 },
    });
    this.#worker.on("message", (message: WorkerMessage) => this.#receive(message));
    this.#worker.on("error", (error) => {
      const failure = workerFailed(options.path, error);
      this.#fail(failure);
      options.onFailure?.(failure);
    });
    this.#worker.on("exit", () => this.#fail(closed()));
  }

  async opened(): Promise<void> {
    await this.#opened.promise;
  }

  async range(request: RangeRequest): Promise<RangeResponse> {
    return (await this.#call({ method: "range", request })) as RangeResponse;
  }

  async txn(request: TxnRequest): Promise<TxnResponse> {
    return (await this.#call({ method: "txn", request: withOwnBuffers(request) })) as TxnResponse;
  }

  watch(request: WatchRequest, signal: AbortSignal): AsyncIterable<WatchBatch> {
    const history = async () => (await this.#call({ method: "history", request })) as WatchStart;
    return this.#hub.watch(request, history, signal);
  }

  async compact(revision: number): Promise<void> {
    await this.#call({ method: "compact", revision });
  }

  async grantLease(ttlSeconds: number): Promise<LeaseId> {
    return (await this.#call({ method: "grantLease", ttlSeconds })) as LeaseId;
  }

  async keepLeaseAlive(lease: LeaseId): Promise<void> {
    await this.#call({ method: "keepLeaseAlive", lease });
  }

  async revokeLease(lease: LeaseId): Promise<void> {
    await this.#call({ method: "revokeLease", lease });
  }

  revision(): Promise<number> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    // Every acknowledgement passed through `#receive`, so this is as new as any of them.
    return Promise.resolve(this.#revision);
  }

  async status(): Promise<StorageStatus> {
    return (await this.#call({ method: "status" })) as StorageStatus;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#end !== undefined) return;
    const stopped = new Promise((resolve) => this.#worker.once("exit", resolve));
    const closing = this.#call({ method: "close" });
    this.#end = closed();
    await closing;
    await stopped;
    this.#hub.close();
  }

  #call(call: WorkerCall): Promise<unknown> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<unknown>();
    this.#pending.set(id, answer);
    this.#worker.postMessage({ id, call } satisfies WorkerRequest);
    return answer.promise;
  }

  #receive(message: WorkerMessage): void {
    if (message.revision > this.#revision) {
      this.#revision = message.revision;
      this.#hub.publish(message.revision, message.events);
    }
    for (const answer of message.answers) this.#settle(answer);
  }

  #settle(answer: WorkerAnswer): void {
    const waiting = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if ("error" in answer) waiting?.reject(errorOf(answer.error));
    else waiting?.resolve(answer.value);
  }

  #fail(error: StorageError): void {
    this.#end ??= error;
    for (const { reject } of this.#pending.values()) reject(this.#end);
    this.#pending.clear();
    this.#hub.close();
  }
}

function errorOf({ code, message, hint }: WorkerError): StorageError {
  return new StorageError(code, message, { hint });
}

// Posting a view clones the whole buffer behind it: for a small Buffer that is Node's shared 8 KiB pool.
function withOwnBuffers(request: TxnRequest): TxnRequest {
  const own = (operation: TxnRequest["success"][number]) =>
    operation.kind === "put" && operation.value.byteLength !== operation.value.buffer.byteLength
      ? { ...operation, value: new Uint8Array(operation.value) }
      : operation;
  return { compares: request.compares, success: request.success.map(own), failure: request.failure.map(own) };
}

function workerFailed(path: string, error: unknown): StorageError {
  const reason = error instanceof Error ? error.message : String(error);
  return new StorageError("UNAVAILABLE", `Cannot use the store "${path}": ${reason}`, { cause: error });
}

function closed(): StorageError {
  return new StorageError("CLOSED", "Cannot use the store: it is closed");
}

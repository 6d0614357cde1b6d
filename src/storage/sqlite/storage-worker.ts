import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import type { DatabaseSync } from "node:sqlite";
import { failpoint } from "../../base/failpoint.ts";
import { LeaseTimers } from "../lease-timers.ts";
import { type LeaseId, StorageError } from "../storage.ts";
import { openDatabase } from "./schema.ts";
import { SqliteTable } from "./sqlite-table.ts";
import { storageErrorFrom } from "./storage-error-from.ts";
import { type CallOutcome, type Calls, createCalls } from "./worker-calls.ts";
import type { WorkerAnswer, WorkerError, WorkerMessage, WorkerOptions, WorkerRequest } from "./worker-protocol.ts";

// The worker thread that owns the database. It answers calls in batches: whatever was queued while the last batch was
// being synced shares the next sync.

const MAX_BATCH = 512;
const RETRY_MS = 1000;

class StorageWorker {
  readonly #port: MessagePort;
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #table: SqliteTable;
  readonly #timers: LeaseTimers;
  readonly #calls: Calls;
  readonly #expired: LeaseId[] = [];
  #queue: WorkerRequest[] = [];
  #isWorking = false;

  constructor(port: MessagePort, path: string) {
    this.#port = port;
    this.#path = path;
    this.#database = openDatabase(path);
    this.#table = new SqliteTable(this.#database);
    this.#timers = new LeaseTimers((lease) => {
      this.#expired.push(lease);
      void this.#work();
    });
    this.#calls = createCalls(this.#table, this.#timers);
  }

  /** Begins to answer. The first message answers call 0, the opening. */
  start(): void {
    for (const { id, ttlMs, deadline } of this.#table.leases()) {
      // A wall clock that went back while nobody ran must not make a lease longer than it was granted.
      this.#timers.start(id, Math.min(Math.max(deadline - Date.now(), 0), ttlMs));
    }
    this.#port.on("message", (request: WorkerRequest) => {
      this.#queue.push(request);
      void this.#work();
    });
    this.#port.postMessage(this.#messageOf([{ answer: { id: 0, value: undefined } }]));
  }

  async #work(): Promise<void> {
    if (this.#isWorking) return;
    this.#isWorking = true;
    while (this.#queue.length > 0 || this.#expired.length > 0) {
      await this.#workOff(this.#takeBatch(), this.#expired.splice(0));
    }
    this.#isWorking = false;
  }

  #takeBatch(): WorkerRequest[] {
    while (this.#queue.length < MAX_BATCH) {
      const next = receiveMessageOnPort(this.#port);
      if (next === undefined) break;
      this.#queue.push(next.message as WorkerRequest);
    }
    const batch = this.#queue;
    this.#queue = [];
    return batch;
  }

  async #workOff(batch: readonly WorkerRequest[], ended: readonly LeaseId[]): Promise<void> {
    const message = await this.#commit(batch, ended);
    if (message.events.length > 0) await failpoint("storage.after-commit");
    this.#port.postMessage(message);
    if (!batch.some(({ call }) => call.method === "close")) return;
    this.#timers.close();
    this.#database.close();
    this.#port.close();
  }

  async #commit(batch: readonly WorkerRequest[], ended: readonly LeaseId[]): Promise<WorkerMessage> {
    const isReadOnly = ended.length === 0 && batch.every(({ call }) => this.#calls.isRead(call));
    try {
      if (isReadOnly) return this.#messageOf(batch.map((request) => this.#answer(request)));
      this.#table.begin();
      const endings = ended.map((lease) => ({ events: this.#calls.expire(lease) }));
      const outcomes = batch.map((request) => this.#answer(request));
      await failpoint("storage.before-commit");
      this.#table.commit();
      return this.#messageOf([...endings, ...outcomes]);
    } catch (error) {
      return this.#takeBack(batch, storageErrorFrom(error, this.#path));
    }
  }

  #takeBack(batch: readonly WorkerRequest[], error: WorkerError): WorkerMessage {
    this.#table.rollback();
    // What could not end now, e.g. because the disk is full, must end later.
    for (const { id } of this.#table.leases()) if (!this.#timers.has(id)) this.#timers.start(id, RETRY_MS);
    return this.#messageOf(batch.map(({ id }) => ({ answer: { id, error } })));
  }

  #answer({ id, call }: WorkerRequest): Answered {
    try {
      const { value, events = [] } = this.#calls.answer(call);
      return { answer: { id, value }, events };
    } catch (error) {
      // A refusal changes nothing; anything else leaves the transaction in doubt and fails the whole batch.
      if (!(error instanceof StorageError)) throw error;
      return { answer: { id, error: storageErrorFrom(error, this.#path) } };
    }
  }

  #messageOf(outcomes: readonly Answered[]): WorkerMessage {
    return {
      revision: this.#table.revision,
      events: this.#calls.forWatches(outcomes.flatMap((outcome) => outcome.events ?? [])),
      answers: outcomes.flatMap((outcome) => outcome.answer ?? []),
    };
  }
}

interface Answered extends Pick<CallOutcome, "events"> {
  readonly answer?: WorkerAnswer;
}

function run(port: MessagePort, { path }: WorkerOptions): void {
  try {
    new StorageWorker(port, path).start();
  } catch (error) {
    const answers: readonly WorkerAnswer[] = [{ id: 0, error: storageErrorFrom(error, path) }];
    port.postMessage({ revision: 0, events: [], answers } satisfies WorkerMessage);
    port.close();
  }
}

if (parentPort !== null) run(parentPort, workerData as WorkerOptions);

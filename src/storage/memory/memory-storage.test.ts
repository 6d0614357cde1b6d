import { storageSuite } from "../storage.suite.ts";
import { MemoryStorage } from "./memory-storage.ts";

storageSuite("MemoryStorage", (options) => Promise.resolve(new MemoryStorage(options)));

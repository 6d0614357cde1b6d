import { messageOf } from "../base/coded-error.ts";
import type { Instance } from "../instance/open-instance.ts";
import { purgeInstance } from "./purge-instance.ts";

// Started by `berth down --purge`.
try {
  const { instance } = JSON.parse(process.argv[2] ?? "") as { readonly instance: Instance };
  await purgeInstance(instance);
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
}

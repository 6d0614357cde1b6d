/** Returns something that `await using` ends by calling `dispose` once. */
export function disposable(dispose: () => Promise<void> | void): AsyncDisposable {
  let done = false;
  return {
    [Symbol.asyncDispose]: async () => {
      if (done) return;
      done = true;
      await dispose();
    },
  };
}

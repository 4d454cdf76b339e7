// deno.land/std/async/delay.ts and jsr:@std/async/delay.
export interface DelayOptions {
  signal?: AbortSignal;
  persistent?: boolean;
}

/** Resolves after `milliseconds`; rejects with the signal's reason when it aborts first. */
export function delay(milliseconds: number, options: DelayOptions = {}): Promise<void> {
  const { signal, persistent = true } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
    if (!persistent) Deno.unrefTimer(timer);
  });
}

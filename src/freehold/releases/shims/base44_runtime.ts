// base44:runtime, the module of functions on the builder's newest runtime: secrets, and work after the answer.
export const secrets = { get: (name: string): string | undefined => Deno.env.get(name) };

export function waitUntil(promise: Promise<unknown>): void {
  // deno-lint-ignore no-explicit-any
  (globalThis as any).EdgeRuntime.waitUntil(promise);
}

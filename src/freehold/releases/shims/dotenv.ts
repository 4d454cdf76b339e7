// deno.land/std/dotenv: a deployed function has no .env file, so its environment is all there is.
/** Gives nothing, because the owner's secrets are in the environment already. */
export async function load(): Promise<Record<string, string>> {
  return await Promise.resolve({});
}

export function loadSync(): Record<string, string> {
  return {};
}

export { load as config, loadSync as configSync };

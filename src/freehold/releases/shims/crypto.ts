// deno.land/std/crypto and jsr:@std/crypto: WebCrypto, with std's wider digest() over node:crypto.
import { createHash, timingSafeEqual as equal } from "node:crypto";
import { Buffer } from "node:buffer";
import { encodeBase64 } from "./base64.ts";
import { encodeHex } from "./hex.ts";

type Data = ArrayBuffer | ArrayBufferView;

const real = globalThis.crypto;
const node = (algorithm: string) => algorithm.toLowerCase().replace(/^sha-(1|2)/, (_, digit) => `sha${digit}`);
const view = (data: Data) =>
  ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);

/** Digests that WebCrypto lacks, such as MD5 and SHA3-256, come from OpenSSL's list in node:crypto. */
function digestSync(algorithm: string | { name: string }, data: Data): ArrayBuffer {
  const name = typeof algorithm === "string" ? algorithm : algorithm.name;
  return new Uint8Array(createHash(node(name)).update(view(data)).digest()).buffer;
}

async function digest(algorithm: string | { name: string }, data: Data | AsyncIterable<Data> | Iterable<Data>): Promise<ArrayBuffer> {
  if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) return digestSync(algorithm, data);
  const parts: Uint8Array[] = [];
  for await (const part of data) parts.push(view(part));
  return digestSync(algorithm, new Uint8Array(Buffer.concat(parts)));
}

function bound(source: object, own: Record<string, unknown>): Record<string, unknown> {
  return new Proxy(own, {
    get: (target, name) => {
      if (name in target) return target[name as string];
      const value = Reflect.get(source, name);
      return typeof value === "function" ? value.bind(source) : value;
    },
  });
}

export const crypto = bound(real, { subtle: bound(real.subtle, { digest, digestSync }) }) as unknown as
  & Crypto
  & { subtle: SubtleCrypto & { digestSync: typeof digestSync } };

export function timingSafeEqual(one: Data, other: Data): boolean {
  const [left, right] = [view(one), view(other)];
  return left.byteLength === right.byteLength && equal(left, right);
}

/** std before 0.190: toHashString(digest, "hex" or "base64"). */
export function toHashString(hash: ArrayBuffer, encoding: "hex" | "base64" = "hex"): string {
  return encoding === "hex" ? encodeHex(hash) : encodeBase64(hash);
}

// deno.land/std/encoding/base64.ts and jsr:@std/encoding/base64.
import { Buffer } from "node:buffer";

const bytes = (data: string | ArrayBuffer | Uint8Array) =>
  typeof data === "string" ? Buffer.from(data, "utf8") : Buffer.from(data instanceof Uint8Array ? data : new Uint8Array(data));

export function encodeBase64(data: string | ArrayBuffer | Uint8Array): string {
  return bytes(data).toString("base64");
}

/** Throws TypeError when the text is no base64, as std does. */
export function decodeBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

export { decodeBase64 as decode, encodeBase64 as encode };

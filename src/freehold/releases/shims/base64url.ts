// deno.land/std/encoding/base64url.ts and jsr:@std/encoding/base64url.
import { decodeBase64, encodeBase64 } from "./base64.ts";

export function encodeBase64Url(data: string | ArrayBuffer | Uint8Array): string {
  return encodeBase64(data).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Throws TypeError when the text is no base64url. */
export function decodeBase64Url(text: string): Uint8Array {
  if (/[+/]/.test(text)) throw new TypeError("The text is no base64url");
  return decodeBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
}

export { decodeBase64Url as decode, encodeBase64Url as encode };

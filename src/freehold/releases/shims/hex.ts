// deno.land/std/encoding/hex.ts and jsr:@std/encoding/hex.
const text = new TextEncoder();

export function encodeHex(data: string | ArrayBuffer | Uint8Array): string {
  const bytes = typeof data === "string" ? text.encode(data) : new Uint8Array(data);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Throws TypeError when the text is no hex. */
export function decodeHex(value: string): Uint8Array {
  if (value.length % 2 || /[^0-9a-f]/i.test(value)) throw new TypeError("The text is no hex");
  return Uint8Array.from(value.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** std before 0.194: bytes in, bytes of the hex text out. */
export const encode = (data: Uint8Array): Uint8Array => text.encode(encodeHex(data));
export const decode = (data: Uint8Array): Uint8Array => decodeHex(new TextDecoder().decode(data));
export const encodeToString = (data: Uint8Array): string => encodeHex(data);
export const decodeString = (value: string): Uint8Array => decodeHex(value);

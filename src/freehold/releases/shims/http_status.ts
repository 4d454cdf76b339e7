// deno.land/std/http/http_status.ts and status.ts: the codes of RFC 9110 and their texts.
import { STATUS_CODES } from "node:http";

const codes = Object.entries(STATUS_CODES).map(([code, text]) => [Number(code), text ?? ""] as const);
const name = (text: string) => text.replace(/[^A-Za-z ]/g, "").replace(/ (\w)/g, (_, letter) => letter.toUpperCase());

export const STATUS_TEXT: Record<number, string> = Object.fromEntries(codes);
/** std 0.1xx: Status.NotFound; Status[404] gives the name. */
export const Status: Record<string | number, number | string> = Object.fromEntries(
  codes.flatMap(([code, text]) => [[named(text), code], [code, named(text)]]),
);
/** std 0.2xx: STATUS_CODE.NotFound. */
export const STATUS_CODE: Record<string, number> = Object.fromEntries(codes.map(([code, text]) => [named(text), code]));

export const isInformationalStatus = (status: number) => status >= 100 && status < 200;
export const isSuccessfulStatus = (status: number) => status >= 200 && status < 300;
export const isRedirectStatus = (status: number) => status >= 300 && status < 400;
export const isClientErrorStatus = (status: number) => status >= 400 && status < 500;
export const isServerErrorStatus = (status: number) => status >= 500 && status < 600;
export const isErrorStatus = (status: number) => status >= 400 && status < 600;

function named(text: string): string {
  return text === "I'm a Teapot" ? "Teapot" : name(text);
}

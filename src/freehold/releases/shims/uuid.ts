// deno.land/std/uuid and jsr:@std/uuid, over the npm package of that name.
import { NIL, v1 as one, v3 as three, v4 as four, v5 as five, v7 as seven, validate, version } from "npm:uuid@11";

const of = (number: number) => (id: string) => validate(id) && version(id) === number;
const bytes = (data: Uint8Array) => data as Uint8Array<ArrayBuffer>;

export { validate, version };
export const NIL_UUID = NIL;
export const isNil = (id: string) => id === NIL;
export const v1 = { generate: () => one(), validate: of(1) };
export const v3 = {
  generate: (namespace: string, data: Uint8Array) => Promise.resolve(three(bytes(data), namespace)),
  validate: of(3),
};
export const v4 = { generate: () => four(), validate: of(4) };
export const v5 = {
  generate: (namespace: string, data: Uint8Array) => Promise.resolve(five(bytes(data), namespace)),
  validate: of(5),
};
export const v7 = { generate: () => seven(), validate: of(7) };

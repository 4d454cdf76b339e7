import { secrets, waitUntil } from "base44:runtime";

export default function handle() {
  waitUntil(Promise.resolve(1));
  return Response.json([secrets.get("A_SECRET"), Deno.env.get("A_SECRET"), secrets.get("NONE") ?? null]);
}

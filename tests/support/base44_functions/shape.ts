export default {
  async fetch(req: Request) {
    const kind = new URL(req.url).searchParams.get("kind");
    if (kind === "empty") return new Response(null, { status: 204 });
    if (kind === "text") return new Response("plain words");
    if (kind === "html") return new Response("<p>hi</p>", { headers: { "content-type": "text/html; charset=utf-8" } });
    if (kind === "moved") return new Response(null, { status: 302, headers: { location: "https://example.com/there" } });
    if (kind === "limited") return Response.json({ error: "slow down" }, { status: 429, headers: { "retry-after": "7" } });
    if (kind === "teapot") return new Response("short and stout", { status: 418, headers: { "x-own": "yes" } });
    if (kind === "cookie") return new Response("ok", { headers: { "set-cookie": "a=b; HttpOnly" } });
    if (kind === "bytes") return new Response(new Uint8Array([104, 105]), { headers: { "content-type": "application/x-own" } });
    if (kind === "refused") return Response.json({ error: "no" }, { status: 403 });
    if (kind === "broken") return Response.json({ error: "it broke" }, { status: 500 });
    if (kind === "stream") {
      const parts = ["one ", "two ", "three"].map((part) => new TextEncoder().encode(part));
      return new Response(ReadableStream.from(parts), { headers: { "content-type": "text/plain" } });
    }
    return Response.json({ kind });
  },
};

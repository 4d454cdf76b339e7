// Serves a module that answers Requests with Responses (`export default { fetch }`) by Node's own HTTP server.
import { createServer } from "node:http";
import { Readable } from "node:stream";

const loaded = await import("FREEHOLD_MODULE");
const own = loaded.default ?? loaded;
const handle = typeof own === "function" ? own : own.fetch.bind(own);

createServer(async (incoming, outgoing) => {
  const gone = new AbortController();
  outgoing.on("close", () => gone.abort());
  try {
    await send(await handle(request(incoming, gone.signal), {}, { waitUntil() {}, passThroughOnException() {} }), outgoing);
  } catch (error) {
    if (gone.signal.aborted) return;
    console.error(error);
    if (!outgoing.headersSent) outgoing.writeHead(500, { "content-type": "text/plain" });
    outgoing.end("Internal Server Error");
  }
}).listen(Number(process.env.PORT ?? 3000), process.env.HOST);

function request(incoming, signal) {
  const scheme = incoming.socket.encrypted ? "https" : "http";
  const headers = new Headers();
  for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
    headers.append(incoming.rawHeaders[at], incoming.rawHeaders[at + 1]);
  }
  const hasBody = !["GET", "HEAD"].includes(incoming.method);
  const body = hasBody ? { body: Readable.toWeb(incoming), duplex: "half" } : {};
  const address = `${scheme}://${incoming.headers.host}${incoming.url}`;
  return new Request(address, { method: incoming.method, headers, signal, ...body });
}

async function send(response, outgoing) {
  const headers = [...response.headers].filter(([name]) => name !== "set-cookie");
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) headers.push(["set-cookie", cookies]);
  outgoing.statusCode = response.status;
  for (const [name, value] of headers) outgoing.setHeader(name, value);
  if (response.body === null) return outgoing.end();
  outgoing.flushHeaders();
  for await (const block of response.body) {
    if (!outgoing.write(block)) await new Promise((resolve) => outgoing.once("drain", resolve).once("close", resolve));
    if (outgoing.destroyed) return;
  }
  outgoing.end();
}

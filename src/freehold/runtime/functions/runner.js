// The first module of every function's process. It takes Deno.serve to a Unix socket, keeps the way to the app's own
// API open (loopback is denied), sends the builder's hosts to the runtime, and marks log lines with their request.
import { AsyncLocalStorage } from "node:async_hooks";
import http from "node:http";
import https from "node:https";

const setup = JSON.parse(Deno.env.get("FREEHOLD_FUNCTION"));
for (const name of setup.hidden) Deno.env.delete(name);

const RECORD = "\x1e";
// Stands for the app's own address, which Deno would refuse where it is on loopback; the relay puts it back.
// An address and no name, because Deno would ask a name server for it at every call. It is one that is given to nobody.
const API = "192.0.2.1";
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const real = { serve: Deno.serve, fetch: globalThis.fetch, WebSocket: globalThis.WebSocket };
const requests = new AsyncLocalStorage();
const background = new Set();
let served = false;

markLogLines();
routeFetch();
routeNodeRequests();
routeWebSockets();
offerEdgeRuntime();
Deno.serve = serve;
await boot();

async function boot() {
  let module;
  try {
    module = await import(setup.entry);
  } catch (error) {
    console.error(error);
    Deno.exit(1);
  }
  keepAlive();
  if (!served && module.default !== undefined) {
    const own = module.default;
    serve(typeof own === "function" ? own : own.fetch.bind(own));
  }
  setTimeout(() => {
    if (served) return;
    console.error("The function did not call Deno.serve.");
    Deno.exit(1);
  }, setup.serveWithinSeconds * 1000);
}

/** One request's stray error must not end the process that answers other people's requests. */
function keepAlive() {
  for (const kind of ["unhandledrejection", "error"]) {
    globalThis.addEventListener(kind, (event) => {
      event.preventDefault();
      console.error("Uncaught", event.reason ?? event.error);
    });
  }
}

/** Deno.serve in all its forms: (handler), (options, handler), ({handler, ...options}); std's shim ends here too. */
function serve(first, second) {
  const handler = typeof first === "function" ? first : second ?? first?.handler;
  const options = (typeof first === "function" ? second : first) ?? {};
  if (typeof handler !== "function") throw new TypeError("Deno.serve wants a handler");
  if (served) throw new Deno.errors.AddrInUse("The function has called Deno.serve before");
  served = true;
  const address = { transport: "tcp", hostname: options.hostname ?? "0.0.0.0", port: options.port ?? 8000 };
  const server = real.serve(
    { path: setup.socket, signal: options.signal, onListen: () => options.onListen?.(address) },
    (request, info) => answer(handler, options.onError, request, info),
  );
  return Object.defineProperty(server, "addr", { value: address });
}

async function answer(handler, onError, outer, info) {
  if (outer.headers.has("x-freehold-control")) return Response.json({ background: background.size });
  const id = outer.headers.get("x-freehold-request");
  const remoteAddr = { transport: "tcp", hostname: outer.headers.get("x-freehold-client") ?? "", port: 0 };
  const request = new Request(outer.headers.get("x-freehold-url"), outer);
  for (const name of [...request.headers.keys()]) {
    if (name.startsWith("x-freehold-")) request.headers.delete(name);
  }
  return await requests.run(id, async () => {
    try {
      return await handler(request, { ...info, remoteAddr, completed: info.completed });
    } catch (error) {
      if (onError) return await onError(error);
      console.error(error);
      const body = { code: "WORKER_ERROR", message: "Function exited due to an error (please check logs)" };
      return Response.json(body, { status: 500, headers: { "sb-error-code": body.code } });
    }
  });
}

function offerEdgeRuntime() {
  globalThis.EdgeRuntime = {
    waitUntil(promise) {
      const task = Promise.resolve(promise).catch((error) => console.error("Uncaught in waitUntil", error));
      background.add(task);
      task.finally(() => background.delete(task));
      return promise;
    },
  };
}

function markLogLines() {
  for (const level of ["log", "info", "debug", "warn", "error", "trace"]) {
    const write = console[level].bind(console);
    console[level] = (...values) => {
      const mark = `${RECORD}${requests.getStore() ?? ""}${RECORD}${level}${RECORD}`;
      if (typeof values[0] === "string") write(mark + values[0], ...values.slice(1));
      else write(mark, ...values);
    };
  }
}

/** Where an address leads: to the app's own API over the runtime's socket, or null for the outside world. */
function inside(address) {
  if (setup.origins.includes(address.origin.replace(/^ws/, "http"))) return address.pathname + address.search;
  const prefix = Object.hasOwn(setup.hosts, address.host) ? setup.hosts[address.host] : null;
  return prefix === null ? null : prefix + address.pathname + address.search;
}

function relay() {
  // One connection a request: the relay reads the first line of each.
  return Deno.createHttpClient({ proxy: { transport: "unix", path: setup.relay }, poolMaxIdlePerHost: 0 });
}

function routeFetch() {
  const client = relay();
  globalThis.fetch = async function fetch(input, init) {
    const address = parse(input instanceof Request ? input.url : input);
    const path = address && inside(address);
    if (path === null || path === undefined) return await real.fetch(input, init);
    const wanted = new Request(input, init);
    const response = await real.fetch(new Request("http://" + API + path, wanted), { client, redirect: "manual" });
    if (!REDIRECTS.has(response.status) || !response.headers.has("location")) return response;
    return await redirect(wanted, response, address);
  };
}

async function redirect(wanted, response, address) {
  if (wanted.redirect === "manual") return response;
  if (wanted.redirect === "error") throw new TypeError("Encountered a redirect while the redirect mode is 'error'");
  if (!["GET", "HEAD"].includes(wanted.method) && response.status !== 303) return response;
  await response.body?.cancel();
  const next = new URL(response.headers.get("location"), address);
  const headers = new Headers(wanted.headers);
  if (next.origin !== address.origin) for (const name of ["authorization", "apikey", "cookie"]) headers.delete(name);
  return await globalThis.fetch(next, { method: wanted.method === "HEAD" ? "HEAD" : "GET", headers });
}

/** Packages from npm (axios, say) ask by node:http instead of fetch: the same addresses lead to the same place. */
function routeNodeRequests() {
  const request = http.request;
  for (const module of [http, https]) {
    const outside = module.request;
    module.request = function (...given) {
      const turned = towardsApi(module === https ? "https:" : "http:", given);
      return turned ? request(...turned) : outside(...given);
    };
    module.get = function (...given) {
      const asked = module.request(...given);
      asked.end();
      return asked;
    };
  }
}

/** The arguments of a request to the app's own API over the runtime's socket, null for the outside world. */
function towardsApi(scheme, given) {
  const named = typeof given[0] === "string" || given[0] instanceof URL ? parse(given[0]) : null;
  const rest = named ? given.slice(1) : given;
  const options = (typeof rest[0] === "object" && rest[0]) || {};
  const callback = rest.find((item) => typeof item === "function");
  if (options.socketPath) return null;
  const host = options.hostname ?? options.host?.replace(/:\d+$/, "") ?? named?.hostname ?? "localhost";
  const port = options.port ?? named?.port;
  const wanted = options.path ?? (named ? named.pathname + named.search : "/");
  const path = inside(parse(`${options.protocol ?? named?.protocol ?? scheme}//${host}${port ? `:${port}` : ""}${wanted}`) ?? new URL("null:"));
  if (path === null) return null;
  const own = { ...options, protocol: "http:", socketPath: setup.relay, path, host: API, agent: false };
  for (const name of ["hostname", "port", "href", "agents"]) delete own[name];
  return [own, ...(callback ? [callback] : [])];
}

function routeWebSockets() {
  const client = relay();
  globalThis.WebSocket = class WebSocket extends real.WebSocket {
    constructor(target, options) {
      const address = parse(target);
      const path = address && inside(address);
      if (path === null || path === undefined) super(target, options);
      else {
        const given = typeof options === "string" || Array.isArray(options) ? { protocols: options } : options ?? {};
        super("ws://" + API + path, { ...given, client });
      }
    }
  };
}

function parse(value) {
  try {
    return new URL(value);
  } catch {
    return null;
  }
}

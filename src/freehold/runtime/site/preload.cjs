// Loaded before the app's own server. It takes the server's port to a Unix socket, keeps the way to the app's own API
// open and every other address of this machine closed, sends the builder's hosts to the runtime, and marks log lines.
"use strict";
const { AsyncLocalStorage } = require("node:async_hooks");
const dgram = require("node:dgram");
const http = require("node:http");
const { syncBuiltinESMExports } = require("node:module");
const net = require("node:net");

const setup = JSON.parse(process.env.FREEHOLD_SERVER);
delete process.env.FREEHOLD_SERVER;

const RECORD = "\x1e";
const origin = new URL(setup.origins[0]);
const secure = origin.protocol === "https:";
const denied = blockList(setup.denied);
const requests = new AsyncLocalStorage();
let serving = false;

guardConnections();
guardDatagrams();
listenOnSocket();
watchRequests();
markLogLines();
routeFetch();
routeWebSockets();
keepAlive();
syncBuiltinESMExports();

function blockList(addresses) {
  const list = new net.BlockList();
  for (const item of addresses) {
    const [address, bits] = item.replace(/[[\]]/g, "").split("/");
    const family = net.isIPv6(address) ? "ipv6" : "ipv4";
    if (bits) list.addSubnet(address, Number(bits), family);
    else list.addAddress(address, family);
  }
  return list;
}

/** Every TCP connection of net, tls, http, http2 and fetch begins here; Node asks the list after resolving a name. */
function guardConnections() {
  const connect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function (...given) {
    const normal = Array.isArray(given[0]) ? given[0] : given;
    const callback = normal.findLast((item) => typeof item === "function");
    const { path, host, port } = wanted(normal);
    if (path !== undefined) return refuse(this, path);
    if (isOwn(host, port)) return connect.call(this, { path: setup.relay }, ...(callback ? [callback] : []));
    this.blockList = denied;
    return connect.apply(this, given);
  };
}

function wanted([first, second]) {
  if (first !== null && typeof first === "object") {
    if (first.path && !first.port) return { path: first.path };
    return { host: first.host ?? "localhost", port: first.port };
  }
  if (typeof first === "string" && !/^\d+$/.test(first)) return { path: first };
  return { host: typeof second === "string" ? second : "localhost", port: first };
}

function isOwn(host, port) {
  const plain = String(host).replace(/[[\]]/g, "").toLowerCase();
  return plain === origin.hostname.replace(/[[\]]/g, "") && [origin.port || "80"].includes(String(port));
}

function refuse(socket, path) {
  const error = Object.assign(new Error(`connect EACCES ${path}`), { code: "EACCES", syscall: "connect", path });
  process.nextTick(() => socket.destroy(error));
  return socket;
}

function guardDatagrams() {
  const create = dgram.createSocket;
  dgram.createSocket = (first, callback) => {
    const options = typeof first === "string" ? { type: first } : first;
    return create({ ...options, sendBlockList: denied, receiveBlockList: denied }, callback);
  };
  dgram.Socket = function Socket() {
    throw Object.assign(new Error("use dgram.createSocket"), { code: "EACCES" });
  };
}

/** The first server that listens is the app's; it is told that it has the port it asked for. */
function listenOnSocket() {
  const listen = net.Server.prototype.listen;
  net.Server.prototype.listen = function (...given) {
    const first = given[0];
    const port = Number(first !== null && typeof first === "object" ? first.port : first) || 3000;
    const callback = given.findLast((item) => typeof item === "function");
    if (serving) {
      const error = Object.assign(new Error(`listen EACCES: the app listens already`), { code: "EACCES" });
      process.nextTick(() => this.emit("error", error));
      return this;
    }
    serving = true;
    this.address = () => ({ address: "127.0.0.1", family: "IPv4", port });
    return listen.call(this, { path: setup.socket }, ...(callback ? [callback] : []));
  };
}

function watchRequests() {
  const emit = http.Server.prototype.emit;
  http.Server.prototype.emit = function (event, request, response) {
    if (event === "connection" && secure) request.encrypted = true;
    if (event !== "request" && event !== "upgrade") return emit.apply(this, arguments);
    if (request.headers["x-freehold-control"]) {
      response.setHeader("content-type", "application/json");
      response.end('{"background": 0}');
      return true;
    }
    const { "x-freehold-request": id, "x-freehold-client": client } = request.headers;
    Object.defineProperty(request.socket, "remoteAddress", { value: client || undefined, configurable: true });
    withoutOurHeaders(request);
    return requests.run(id, () => emit.apply(this, arguments));
  };
}

function withoutOurHeaders(request) {
  for (const name of Object.keys(request.headers)) if (name.startsWith("x-freehold-")) delete request.headers[name];
  for (let at = request.rawHeaders.length - 2; at >= 0; at -= 2) {
    if (request.rawHeaders[at].toLowerCase().startsWith("x-freehold-")) request.rawHeaders.splice(at, 2);
  }
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

/** The address that answers instead of a builder's host or of the app's own origin, null for the outside world. */
function inside(value) {
  const address = parse(value);
  if (address === null) return null;
  const own = setup.origins.includes(address.origin.replace(/^ws/, "http"));
  const prefix = own ? "" : Object.hasOwn(setup.hosts, address.host) ? setup.hosts[address.host] : null;
  return prefix === null ? null : `${origin.host}${prefix}${address.pathname}${address.search}`;
}

function routeFetch() {
  const fetch = globalThis.fetch;
  globalThis.fetch = function (input, init) {
    const target = inside(input instanceof Request ? input.url : input);
    if (target === null) return fetch(input, init);
    const wanted = new Request(input, init);
    return fetch(new Request(`http://${target}`, wanted));
  };
}

function routeWebSockets() {
  const WebSocket = globalThis.WebSocket;
  globalThis.WebSocket = class extends WebSocket {
    constructor(address, options) {
      const target = inside(address);
      super(target === null ? address : `ws://${target}`, options);
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

/** One request's stray error must not end the process that answers other people's requests. */
function keepAlive() {
  for (const event of ["unhandledRejection", "uncaughtException"]) {
    process.on(event, (error) => {
      console.error("Uncaught", error);
      if (!serving) process.exit(1);
    });
  }
}

// deno.land/std/http/server.ts on top of Deno.serve.
type Handler = (request: Request, info: Deno.ServeHandlerInfo) => Response | Promise<Response>;

export interface ServeInit {
  port?: number;
  hostname?: string;
  signal?: AbortSignal;
  onError?: (error: unknown) => Response | Promise<Response>;
  onListen?: (address: { hostname: string; port: number }) => void;
}

/** Serves until `signal` aborts; takes a handler first, as std does, or options first, as Deno.serve does. */
export async function serve(first: Handler | ServeInit, second: ServeInit | Handler = {}): Promise<void> {
  const [handler, options] = typeof first === "function" ? [first, second as ServeInit] : [second as Handler, first];
  if (typeof handler !== "function") {
    throw new TypeError("serve() without a handler is std's form from before 0.107; pass a handler");
  }
  await Deno.serve(options as Deno.ServeTcpOptions, handler).finished;
}

/** The name that std used before 0.114. */
export async function listenAndServe(address: string | ServeInit, handler: Handler, options: ServeInit = {}): Promise<void> {
  await serve(handler, typeof address === "string" ? options : { ...address, ...options });
}

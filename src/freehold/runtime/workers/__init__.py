"""Programs of the app that the runtime starts and watches: edge functions on Deno, and the app's own Node server."""

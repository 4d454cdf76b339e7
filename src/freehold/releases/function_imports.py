"""Where an edge function's imports lead: addresses of content networks become npm packages or shims of our own.

An npm package is the same code from a registry that checks its integrity; deno.land/std's server has to end in
`Deno.serve`; and what declares types only needs nothing at run time.
"""

import re

SHIM = "shim:"
"""A target that starts so names a file in the `shims` folder."""

_STD_SHIMS = {
    "http/server": "http_server.ts",
    "http/mod": "http_server.ts",
    "http/http_status": "http_status.ts",
    "http/status": "http_status.ts",
    "encoding/base64": "base64.ts",
    "encoding/base64url": "base64url.ts",
    "encoding/hex": "hex.ts",
    "encoding/mod": "encoding.ts",
    "encoding": "encoding.ts",
    "async/delay": "delay.ts",
    "dotenv/mod": "dotenv.ts",
    "dotenv/load": "empty.ts",
    "dotenv": "dotenv.ts",
    "uuid/mod": "uuid.ts",
    "uuid": "uuid.ts",
    "crypto/mod": "crypto.ts",
    "crypto/crypto": "crypto.ts",
    "crypto": "crypto.ts",
    "crypto/timing_safe_equal": "crypto.ts",
    "crypto/timing-safe-equal": "crypto.ts",
}
_STD_NODE = {
    "path/mod": "node:path",
    "path": "node:path",
    "path/posix": "node:path/posix",
    "node/buffer": "node:buffer",
    "io/buffer": "",
    "testing/asserts": "",
}
_DENO_LAND_X = {
    "zod": "zod",
    "hono": "hono",
    "openai": "openai",
    "oak": "@oak/oak",
    "jose": "jose",
    "nanoid": "nanoid",
    "postgresjs": "postgres",
    "supabase": "@supabase/supabase-js",
}
_JSR_NPM = {
    "@supabase/supabase-js": "@supabase/supabase-js",
    "@supabase/functions-js": "@supabase/functions-js",
    "@hono/hono": "hono",
    "@zod/zod": "zod",
    "@oak/oak": "@oak/oak",
    "@openai/openai": "openai",
    "@panva/jose": "jose",
}
_PACKAGE = r"(?P<name>(?:@[a-z0-9._~-]+/)?[A-Za-z0-9._~-]+)(?:@(?P<version>[^/?&#]*))?(?P<path>/[^?&#]*)?(?:[?&#].*)?"
_ESM = re.compile(rf"https://esm\.sh/(?:(?:v\d+|stable)/)?\*?{_PACKAGE}")
_SKYPACK = re.compile(rf"https://cdn\.skypack\.dev/(?:new/)?{_PACKAGE}")
_UNPKG = re.compile(rf"https://unpkg\.com/{_PACKAGE}")
_JSDELIVR = re.compile(rf"https://cdn\.jsdelivr\.net/npm/{_PACKAGE}")
_STD = re.compile(r"https://deno\.land/std(?:@[^/]+)?/(?P<module>[^?#]+?)\.(?:ts|js|mjs)(?:[?#].*)?")
_DENO_X = re.compile(r"https://deno\.land/x/(?P<name>[^/@]+)(?:@(?P<version>[^/]+))?/(?P<file>[^?#]+)(?:[?#].*)?")
_JSR_STD = re.compile(r"jsr:/?@std/(?P<module>[a-z]+)(?:@[^/]*)?(?P<path>/.+)?")
_JSR = re.compile(r"jsr:/?(?P<name>@[a-z0-9-]+/[a-z0-9-]+)(?:@(?P<version>[^/]*))?(?P<path>/.+)?")
_TYPES_ONLY = re.compile(r".*/edge-runtime\.d\.ts(?:\?.*)?$|https://deno\.land/x/xhr(?:@[^/]+)?/mod\.ts")
_NOT_NPM = re.compile(r"https://esm\.sh/(?:gh|jsr|pr)/")
_BUILD_FILE = re.compile(r"/es\d{4}/.*|/(?:x-)?[^/]*/?es20\d\d/.*|/\+esm$")
REMOTE = re.compile(r"(?:https?|jsr|npm):")


def target(specifier: str) -> str:
    """Give what a specifier should become: `npm:...`, `node:...`, `shim:<file>`, or "" to leave it as it is."""
    if _TYPES_ONLY.fullmatch(specifier):
        return SHIM + "empty.ts"
    if specifier == "base44:runtime":
        return SHIM + "base44_runtime.ts"
    if specifier.startswith("https://deno.land/std"):
        return _std(specifier)
    if specifier.startswith("https://deno.land/x/"):
        return _deno_x(specifier)
    if specifier.startswith("jsr:"):
        return _jsr(specifier)
    return _content_network(specifier)


def _content_network(specifier: str) -> str:
    if _NOT_NPM.match(specifier):
        return ""
    for pattern in (_ESM, _SKYPACK, _UNPKG, _JSDELIVR):
        match = pattern.fullmatch(specifier)
        if match:
            path = _BUILD_FILE.sub("", match["path"] or "")
            return _npm(match["name"], match["version"], path)
    return ""


def _std(specifier: str) -> str:
    match = _STD.fullmatch(specifier)
    return _of_std(match["module"]) if match else ""


def _of_std(module: str) -> str:
    shim = _STD_SHIMS.get(module)
    return SHIM + shim if shim else _STD_NODE.get(module, "")


def _deno_x(specifier: str) -> str:
    match = _DENO_X.fullmatch(specifier)
    if match is None or match["name"] not in _DENO_LAND_X:
        return ""
    if match["name"] == "hono" and match["file"] not in ("mod.ts", "index.ts"):
        return _npm("hono", match["version"], "/" + match["file"].removesuffix(".ts").removesuffix("/index"))
    return _npm(_DENO_LAND_X[match["name"]], match["version"], "")


def _jsr(specifier: str) -> str:
    standard = _JSR_STD.fullmatch(specifier)
    if standard:
        return _of_std(standard["module"] + (standard["path"] or ""))
    match = _JSR.fullmatch(specifier)
    if match is None or match["name"] not in _JSR_NPM:
        return ""
    return _npm(_JSR_NPM[match["name"]], match["version"], match["path"] or "")


def _npm(name: str, version: str | None, path: str) -> str:
    plain = (version or "").removeprefix("v") if (version or "")[1:2].isdigit() else (version or "")
    return f"npm:{name}{'@' + plain if plain else ''}{path.rstrip('/')}"

"""Where imports of edge functions lead."""

import ipaddress
import re
from importlib import resources

import pytest

from freehold.releases.function_imports import target
from freehold.runtime.workers.relay import for_api


@pytest.mark.parametrize(
    ("specifier", "expected"),
    [
        ("https://esm.sh/@supabase/supabase-js@2", "npm:@supabase/supabase-js@2"),
        ("https://esm.sh/@supabase/supabase-js@2.39.3?target=deno", "npm:@supabase/supabase-js@2.39.3"),
        ("https://esm.sh/v135/stripe@14.21.0?bundle", "npm:stripe@14.21.0"),
        ("https://esm.sh/stripe@14?target=deno&no-check", "npm:stripe@14"),
        ("https://esm.sh/stripe@14&target=deno", "npm:stripe@14"),
        ("https://esm.sh/date-fns@3.0.0/format", "npm:date-fns@3.0.0/format"),
        ("https://esm.sh/zod", "npm:zod"),
        ("https://esm.sh/*react@18.2.0/jsx-runtime", "npm:react@18.2.0/jsx-runtime"),
        ("https://esm.sh/react@18.2.0/es2022/react.mjs", "npm:react@18.2.0"),
        ("https://esm.sh/gh/someone/thing", ""),
        ("https://cdn.skypack.dev/lodash@4.17.21?dts", "npm:lodash@4.17.21"),
        ("https://unpkg.com/uuid@9.0.0", "npm:uuid@9.0.0"),
        ("https://cdn.jsdelivr.net/npm/dayjs@1/+esm", "npm:dayjs@1"),
        ("jsr:@supabase/supabase-js@2", "npm:@supabase/supabase-js@2"),
        ("jsr:@supabase/supabase-js@2/cors", "npm:@supabase/supabase-js@2/cors"),
        ("jsr:@supabase/functions-js/edge-runtime.d.ts", "shim:empty.ts"),
        ("https://esm.sh/@supabase/functions-js@2/src/edge-runtime.d.ts", "shim:empty.ts"),
        ("https://deno.land/std@0.168.0/http/server.ts", "shim:http_server.ts"),
        ("https://deno.land/std/http/server.ts", "shim:http_server.ts"),
        ("https://deno.land/std@0.190.0/encoding/base64.ts", "shim:base64.ts"),
        ("jsr:@std/encoding@1/base64", "shim:base64.ts"),
        ("jsr:@std/encoding@1/hex", "shim:hex.ts"),
        ("jsr:@std/dotenv/load", "shim:empty.ts"),
        ("https://deno.land/std@0.190.0/streams/mod.ts", ""),
        ("https://deno.land/x/zod@v3.22.4/mod.ts", "npm:zod@3.22.4"),
        ("https://deno.land/x/xhr@0.1.0/mod.ts", "shim:empty.ts"),
        ("https://deno.land/x/deno_dom@v0.1.38/deno-dom-wasm.ts", ""),
        ("npm:zod@3", ""),
        ("node:fs", ""),
        ("./local.ts", ""),
        ("https://example.com/thing.ts", ""),
    ],
)
def test_an_import_leads_to_npm_or_a_shim_or_stays(specifier: str, expected: str) -> None:
    assert target(specifier) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            b"GET http://192.0.2.1/rest/v1/x?a=http://y HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n",
            b"GET /rest/v1/x?a=http://y HTTP/1.1\r\nhost: app.example\r\n\r\n",
        ),
        (b"GET http://h?a=1 HTTP/1.1\r\nhost: h\r\n\r\n", b"GET /?a=1 HTTP/1.1\r\nhost: app.example\r\n\r\n"),
        (
            b"GET /x HTTP/1.1\r\nx-host: 1\r\nHOST: h\r\n\r\n",
            b"GET /x HTTP/1.1\r\nx-host: 1\r\nhost: app.example\r\n\r\n",
        ),
    ],
)
def test_the_relay_asks_the_api_by_its_own_name(given: bytes, expected: bytes) -> None:
    assert for_api(given, b"app.example") == expected


def test_the_stand_in_for_the_api_is_an_address_so_that_no_name_server_is_asked() -> None:
    runner = resources.files("freehold.runtime.functions").joinpath("runner.js").read_text(encoding="utf-8")
    (stand_in,) = re.findall(r'^const API = "(.+)";$', runner, re.MULTILINE)
    assert ipaddress.ip_address(stand_in) in ipaddress.ip_network("192.0.2.0/24")  # given to nobody: RFC 5737

"""Requests to the REST core that nobody should send: random and mutated URLs, headers, bodies, CSV, nesting, unicode."""

# ruff: noqa: E501 - lists of what is sent

import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from rest_world import ANON_KEY, BEN, TOKENS

Request = tuple[str, str, str, list[tuple[bytes, bytes]], bytes]
"""Method, path, query, headers and body."""
TABLES = (
    "customers", "projects", "tasks", "tags", "task_tags", "profiles", "open_tasks", "readings", "vault", "sealed",
    "hidden.things", "things", "pg_authid", "rpc/projects_of", "rpc/sum_of", "rpc/add_customer", "rpc/whoami",
    "rpc/refuse", "rpc/pg_sleep", "rpc/note", "rpc/", "", "nowhere", "a/b", "%00", "%ff", "projects%20", "..%2f",
)  # fmt: skip
KNOWN = 9
"""So many of them exist and are for the callers."""
VALID = (
    "", "select=*", "limit=1", "id=eq.1", "order=id.desc", "select=id", "id=gt.1&limit=2",
    "select=id,title,tasks(title,tags(name))&order=id.desc&limit=2", "select=*,customers!inner(*)&customers.name=like.A*",
    "or=(id.eq.1,and(id.gt.2,not.title.is.null))", "select=title,count()", 'id=in.(1,2,"3")', "labels=cs.{web}",
    "details->>city=eq.Oslo&select=details->tier->level", "title=fts(english).site", "select=...projects(title)",
    "columns=id,name&on_conflict=id", "starts_at=gte.2020-01-01&order=starts_at.nullslast", "tasks.order=id&tasks.limit=1",
    "select=id::text,budget::int", "numbers=1&numbers=2", "customer=1&select=title", "owner=eq.{ben}",
)  # fmt: skip
PIECES = (
    "*", "id", "title", "name", "details", "labels", "secret", "owner", "tasks(", "customers(", "vault(*)", "sealed(*)",
    "profiles!", "tags(", "...", ")", "(", ",", ".", ":", "::", "int", "text", "regclass", "->", "->>", "0", "-1",
    "99999999999999999999", "eq.", "in.(", "is.null", "is.", "not.", "cs.{", "}", "ov.", "fts.", "like.*", "match.[",
    "(any)", "asc", ".desc", ".nullslast", "count()", "sum()", "!inner", "!left", '"', "\\", "'", "--", "/*", ";", "%00",
    "%ff", "%", "&", "=", "é", "☃", "%F0%9F%98%80", " ", "+", "%0a", "$1", "' or '1'='1", "pg_sleep(9)", "current_user",
)  # fmt: skip
NAMES = (
    "select", "order", "limit", "offset", "or", "and", "not.or", "not.and", "id", "title", "labels", "details->>city",
    "tasks.order", "tasks.limit", "tasks.id", "tasks.or", "columns", "on_conflict", "customer", "numbers", '"odd name"',
    "secret", "owner", "", "%00",
)  # fmt: skip
PREFERENCES = (
    "", "count=exact", "count=planned", "count=estimated", "return=representation", "return=minimal",
    "return=headers-only", "missing=default", "resolution=merge-duplicates", "resolution=ignore-duplicates",
    "handling=strict", "handling=lenient", "max-affected=1", "max-affected=-1", "tx=rollback", "timezone=Mars/Moon",
    "timezone=Europe/Oslo", "wat", "=,=", "\x7f",
)  # fmt: skip
ACCEPTS = (
    "*/*", "application/json", "application/vnd.pgrst.object+json", "application/vnd.pgrst.object+json;nulls=stripped",
    "application/vnd.pgrst.array+json;nulls=stripped", "text/csv", "application/geo+json", "image/png", ",;q=x", "a/b/c",
    "application/vnd.pgrst.plan+json", "application/openapi+json", "text/xml", "application/octet-stream",
)  # fmt: skip
TYPES = (
    "application/json", "application/json", "application/json", "text/csv", "application/x-www-form-urlencoded",
    "text/plain", "text/xml", "application/octet-stream", "x", "",
)  # fmt: skip
RANGES = ("", "0-1", "5-", "9-1", "x", "-5", "0-99999999999999999999", "1-2,3-4")
BODIES = (
    "", "{}", "[]", "null", "[1]", "true", '"x"', "{", '{"id":1}', '[{"id":5,"name":"x"},{"id":6,"name":"y"}]',
    '[{"id":5},{"name":"y"}]', '{"name":"\\u0000"}', '{"name":"\\ud800"}', '{"name":1e400}', '{"id":99999999999999999999}',
    '{"numbers":[1,2]}', '{"customer":"x"}', "id,name\n7,seven\n", 'id,name\n7,"se\nven"\n', 'id,name\n7,"\n', "id\n1,2\n",
    "id=8&name=eight", "id=%ff", '{"details":{"a":[[[]]]}}', '{"name":"n","details":{"x":1}}', '{"reason":"because"}',
    '{"id":1,"owner":"{ben}","secret":"x"}', "\ufeff{}", '{"a":NaN}', '{"name":"a","name":"b"}', "name\nNULL\n",
)  # fmt: skip
METHODS = ("GET",) * 8 + ("HEAD", "POST", "POST", "POST", "PATCH", "DELETE", "PUT", "OPTIONS", "TRACE", "PROPFIND")
CALLERS = ("ann",) * 8 + ("anon", "nobody", "wrong")


class Fuzz:
    """Makes requests from a seed, so that a run can be repeated."""

    def __init__(self, seed: int) -> None:
        """Begin at a seed."""
        self._random = random.Random(seed)

    def request(self) -> Request:
        """Give method, path, query, headers and body."""
        choose = self._random.choice
        method = choose(METHODS)
        table = choose(TABLES[:KNOWN]) if self._random.random() < 0.75 else choose(TABLES)
        headers = [
            (b"prefer", f"{choose(PREFERENCES)},{choose(PREFERENCES)}".encode()), (b"accept", choose(ACCEPTS).encode()),
            (b"content-type", choose(TYPES).encode()), (b"range", choose(RANGES).encode()),
            (choose((b"accept-profile", b"content-profile", b"x")), choose((b"public", b"hidden", b"x", b"\xff"))),
        ]  # fmt: skip
        kept = [item for item in headers if item[1] and self._random.random() < 0.25]
        return method, "/" + table, self._query(), kept + self._caller(), self._body()

    def _caller(self) -> list[tuple[bytes, bytes]]:
        who = self._random.choice(CALLERS)
        if who == "nobody":
            return []
        token = self._mutated(TOKENS["ann"]) if who == "wrong" else TOKENS[who]
        return [(b"apikey", ANON_KEY.encode()), (b"authorization", f"Bearer {token}".encode("utf-8", "replace"))]

    def _query(self) -> str:
        draw = self._random.random()
        if draw < 0.35:
            return self._random.choice(VALID).replace("{ben}", BEN)
        if draw < 0.7:
            return self._mutated(self._random.choice(VALID))
        if draw < 0.72:
            depth = self._random.randrange(1, 400)
            return "select=" + "tasks(" * depth + "id" + ")" * depth
        if draw < 0.74:
            depth = self._random.randrange(1, 400)
            return "or=" + "(and" * depth + "(id.eq.1)" + ")" * depth
        count = self._random.randrange(4)
        return "&".join(
            f"{self._random.choice(NAMES)}={''.join(self._random.choices(PIECES, k=self._random.randrange(7)))}"
            for _ in range(count)
        )

    def _mutated(self, text: str) -> str:
        for _ in range(self._random.randrange(1, 4)):
            place = self._random.randrange(len(text) + 1)
            end = min(len(text), place + self._random.randrange(4))
            text = text[:place] + self._random.choice(("", *PIECES)) + text[end:]
        return text

    def _body(self) -> bytes:
        draw = self._random.random()
        if draw < 0.8:
            return self._random.choice(BODIES).replace("{ben}", BEN).encode("utf-8", "replace")
        if draw < 0.9:
            return self._mutated(self._random.choice(BODIES)).encode("utf-8", "replace")
        if draw < 0.93:
            depth = self._random.randrange(1, 3000)
            return b'{"name":"n","details":' + b"[" * depth + b"]" * depth + b"}"
        return self._random.randbytes(self._random.randrange(200))

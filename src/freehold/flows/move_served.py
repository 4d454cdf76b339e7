"""What a user of the moved app meets: a real login, a file, the functions. Asked at the app's own address."""

import hashlib
import http.client
import json
import urllib.parse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from freehold.core.release import Check
from freehold.core.secret import Secret
from freehold.kit import http as web
from freehold.kit import postgres
from freehold.platform.credentials import passwords

FUNCTION_SECONDS = 60.0
LARGEST_FILE_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Login:
    """Somebody who is to sign in as before."""

    email: str
    password: Secret


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where the app is served, and the key that its pages carry."""

    url: str
    key: str


def look(
    address: Address | None, admin: postgres.Connection, functions: Sequence[str], login: Login | None
) -> tuple[Check, ...]:
    """Ask; without an address only the password is held against its hash. Does what a user does, and no more."""
    if address is None:
        return (_hash_of(admin, login),) if login else ()
    return tuple(_asked(address, admin, functions, login))


def _asked(
    address: Address, admin: postgres.Connection, functions: Sequence[str], login: Login | None
) -> Iterator[Check]:
    row = admin.execute(
        "select f.bucket, f.name, f.sha256 from freehold.move_files as f join storage.buckets as b on b.id = f.bucket"
        " where b.public and f.outcome = 'moved' and f.size <= %s order by f.size desc, f.bucket, f.name limit 1",
        (LARGEST_FILE_BYTES,),
    ).fetchone()
    if row is not None:
        yield _file(address, str(row[0]), str(row[1]), str(row[2]))
    for name in functions:
        yield _function(address, name)
    if login is not None:
        yield _sign_in(address, login)


def _file(address: Address, bucket: str, name: str, digest: str) -> Check:
    path = f"/storage/v1/object/public/{urllib.parse.quote(bucket, safe='')}/{urllib.parse.quote(name)}"
    found = _ask(address, path)
    same = not isinstance(found, str) and hashlib.sha256(found.body).hexdigest() == digest
    detail = "its bytes are those of the source" if same else f"its bytes are not those of the source: {_said(found)}"
    return Check(name=f"file {bucket}/{name}", ok=same, detail=detail)


def _function(address: Address, name: str) -> Check:
    """OPTIONS is what browsers ask first; no function does its work for it."""
    headers = {"origin": "https://freehold.invalid", "access-control-request-method": "POST"}
    found = _ask(address, f"/functions/v1/{urllib.parse.quote(name)}", method="OPTIONS", headers=headers)
    ok = not isinstance(found, str) and found.status not in (404, 502, 503, 504)
    return Check(name=f"function {name}", ok=ok, detail="it answers" if ok else f"it does not answer: {_said(found)}")


def _sign_in(address: Address, login: Login) -> Check:
    body = {"email": login.email, "password": login.password.reveal()}
    found = _ask(address, "/auth/v1/token?grant_type=password", method="POST", body=json.dumps(body).encode())
    ok = not isinstance(found, str) and found.status == http.client.OK
    detail = "signs in with the password of before" if ok else f"cannot sign in: {_said(found)}"
    return Check(name=f"login {login.email}", ok=ok, detail=detail)


def _hash_of(admin: postgres.Connection, login: Login) -> Check:
    """The app is not served: the hash that it would ask is asked."""
    name = f"login {login.email}"
    row = admin.execute(
        "select coalesce(encrypted_password, '') from auth.users where lower(email) = lower(%s) and not is_sso_user",
        (login.email,),
    ).fetchone()
    if row is None:
        return Check(name=name, ok=False, detail="there is no such user here")
    try:
        ok = passwords.verify_password(str(row[0]), login.password.reveal())
    except passwords.UnusableHash as error:
        return Check(name=name, ok=False, detail=f"the hash cannot be used: {error}")
    return Check(name=name, ok=ok, detail="the password is right" if ok else "the password is not this one")


def _ask(
    address: Address, path: str, *, method: str = "GET", headers: dict[str, str] | None = None, body: bytes = b""
) -> web.Answer | str:
    sent = {"apikey": address.key, "content-type": "application/json", **(headers or {})}
    try:
        return web.ask(
            address.url.rstrip("/") + path, method=method, headers=sent, body=body, timeout_seconds=FUNCTION_SECONDS
        )
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__


def _said(answer: web.Answer | str) -> str:
    return f"no answer from the app's address: {answer}" if isinstance(answer, str) else f"status {answer.status}"

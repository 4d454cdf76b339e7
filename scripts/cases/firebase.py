"""Google's sign-in for apps that keep their people at Firebase: its answers to e-mail and password, as documented.

A walk has no network, and Firebase is no part of what Freehold serves: without this nobody gets into such an app. Cases
that used it are marked.
"""

import base64
import json
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import BrowserContext, Route

HOSTS = re.compile(r"https://(identitytoolkit|securetoken)\.googleapis\.com/")
_SECONDS = 3600
_HEADERS = {
    "access-control-allow-origin": "*",
    "access-control-allow-headers": "*",
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "content-type": "application/json; charset=UTF-8",
}


@dataclass
class _Account:
    email: str
    password: str
    id: str = field(default_factory=lambda: secrets.token_urlsafe(21)[:28])
    name: str = ""
    since: int = field(default_factory=lambda: int(time.time()))


@dataclass
class Firebase:
    """The accounts of one walk."""

    accounts: dict[str, _Account] = field(default_factory=dict)

    def stand_in(self, context: BrowserContext) -> None:
        """Answer for Google in every page of a browser."""
        context.route(HOSTS, self._answer)

    @property
    def used(self) -> bool:
        """Whether somebody signed up there."""
        return bool(self.accounts)

    def _answer(self, route: Route) -> None:
        request = route.request
        if request.method == "OPTIONS":
            route.fulfill(status=204, headers=_HEADERS)
            return
        status, said = self._said(urlsplit(request.url).path, request.post_data or "")
        route.fulfill(status=status, headers=_HEADERS, body=json.dumps(said))

    def _said(self, path: str, body: str) -> tuple[int, dict[str, Any]]:
        if path.endswith("/token"):
            return self._refreshed(parse_qs(body).get("refresh_token", [""])[0])
        asked = json.loads(body) if body.startswith("{") else {}
        match path.rpartition(":")[2]:
            case "signUp":
                return self._signed_up(asked)
            case "signInWithPassword":
                account = self.accounts.get(str(asked.get("email", "")).lower())
                known = account is not None and account.password == asked.get("password")
                return (200, _let_in(account)) if account and known else _refused("INVALID_LOGIN_CREDENTIALS")
            case "lookup" | "update" as act:
                found = self._whose(str(asked.get("idToken", "")))
                return self._told(found, act, asked) if found else _refused("USER_NOT_FOUND")
            case _:
                return 200, {}

    def _told(self, found: _Account, act: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if act == "lookup":
            return 200, {"users": [_user(found)]}
        found.name = str(asked.get("displayName", found.name))
        return 200, _let_in(found)

    def _signed_up(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        email = str(asked.get("email", "")).lower()
        if not email:
            return _refused("ADMIN_ONLY_OPERATION")
        if email in self.accounts:
            return _refused("EMAIL_EXISTS")
        self.accounts[email] = _Account(email=email, password=str(asked.get("password", "")))
        return 200, _let_in(self.accounts[email])

    def _refreshed(self, token: str) -> tuple[int, dict[str, Any]]:
        found = next((item for item in self.accounts.values() if item.id == token), None)
        if found is None:
            return _refused("INVALID_REFRESH_TOKEN")
        token = _token(found)
        return 200, {"access_token": token, "id_token": token, "refresh_token": found.id, "user_id": found.id} | {
            "expires_in": str(_SECONDS),
            "token_type": "Bearer",
        }

    def _whose(self, token: str) -> _Account | None:
        return next((item for item in self.accounts.values() if _token_is(token, item)), None)


def _let_in(account: _Account) -> dict[str, Any]:
    names = {"localId": account.id, "email": account.email, "displayName": account.name, "registered": True}
    return names | {"idToken": _token(account), "refreshToken": account.id, "expiresIn": str(_SECONDS)}


def _user(account: _Account) -> dict[str, Any]:
    provider = {"providerId": "password", "federatedId": account.email, "email": account.email, "rawId": account.email}
    moments = {
        "createdAt": f"{account.since}000",
        "lastLoginAt": f"{account.since}000",
        "validSince": f"{account.since}",
    }
    names = {"localId": account.id, "email": account.email, "displayName": account.name, "emailVerified": True}
    return names | moments | {"providerUserInfo": [provider]}


def _refused(reason: str) -> tuple[int, dict[str, Any]]:
    return 400, {"error": {"code": 400, "message": reason, "errors": [{"message": reason, "reason": "invalid"}]}}


def _token(account: _Account) -> str:
    now = int(time.time())
    claims = {"iss": "https://securetoken.google.com/walk", "aud": "walk", "sub": account.id, "user_id": account.id}
    claims |= {"auth_time": now, "iat": now, "exp": now + _SECONDS, "email": account.email, "email_verified": True}
    return ".".join([_packed({"alg": "RS256", "kid": "walk"}), _packed(claims), "c2lnbmVk"])


def _token_is(token: str, account: _Account) -> bool:
    try:
        middle = token.split(".")[1]
        return bool(json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))["sub"] == account.id)
    except (IndexError, ValueError, KeyError):
        return False


def _packed(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

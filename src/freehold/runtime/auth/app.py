"""/auth/v1: the routes of GoTrue and the one place where their errors become answers."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from freehold.platform.credentials.passwords import stand_in_hash
from freehold.runtime.auth import (
    admin,
    admin_links,
    discovery,
    factors,
    mails,
    recovery,
    signin,
    signup,
    social,
    user,
    verify,
)
from freehold.runtime.auth.config import read_config
from freehold.runtime.auth.context import Auth
from freehold.runtime.auth.errors import ApiError, unexpected
from freehold.runtime.auth.guard import Door, Signed, check_admin, check_key, check_user
from freehold.runtime.auth.http import Request, Response, read_body, read_head, refusal, send_response
from freehold.runtime.auth.providers.directory import Providers
from freehold.runtime.database import ConnectionLost, PoolExhausted
from freehold.runtime.mail.mailer import Mailer
from freehold.runtime.services import Receive, Scope, Send, Services
from freehold.runtime.trusted import TrustWatch

Plain = Callable[[Auth, Request], Awaitable[Response]]
WithUser = Callable[[Auth, Request, Signed], Awaitable[Response]]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Route:
    """One method and path; {} in the path is a variable part. `user` is set behind Door.USER, `plain` elsewhere."""

    method: str
    path: str
    door: Door
    plain: Plain | None = None
    user: WithUser | None = None


def _routes(door: Door, *rows: tuple[str, str, Plain]) -> tuple[Route, ...]:
    return tuple(Route(method=method, path=path, door=door, plain=call) for method, path, call in rows)


def _user_routes(*rows: tuple[str, str, WithUser]) -> tuple[Route, ...]:
    return tuple(Route(method=method, path=path, door=Door.USER, user=call) for method, path, call in rows)


ROUTES: tuple[Route, ...] = (
    *_routes(
        Door.OPEN,
        ("GET", "/verify", verify.verify_link),
        ("POST", "/verify", verify.verify_code),
        ("GET", "/authorize", social.authorize),
        ("GET", "/callback", social.callback),
        ("POST", "/callback", social.callback),
        ("GET", "/.well-known/jwks.json", discovery.jwks),
        ("GET", "/.well-known/openid-configuration", discovery.openid_configuration),
        ("GET", "/.well-known/oauth-authorization-server", discovery.authorization_server),
        ("GET", "/health", discovery.health),
    ),
    *_routes(
        Door.KEY,
        ("GET", "/settings", discovery.settings),
        ("POST", "/signup", signup.sign_up),
        ("POST", "/token", signin.token),
        ("POST", "/recover", recovery.recover),
        ("POST", "/magiclink", recovery.magic_link),
        ("POST", "/otp", recovery.one_time_password),
        ("POST", "/resend", recovery.resend),
        ("POST", "/sso", discovery.single_sign_on),
        ("POST", "/passkeys/authentication/options", discovery.passkeys),
        ("POST", "/passkeys/authentication/verify", discovery.passkeys),
    ),
    *_user_routes(
        ("GET", "/user", user.get_user),
        ("PUT", "/user", user.update_user),
        ("POST", "/logout", signin.log_out),
        ("GET", "/reauthenticate", recovery.reauthenticate),
        ("GET", "/user/identities/authorize", social.link),
        ("DELETE", "/user/identities/{}", user.delete_identity),
        ("POST", "/factors", factors.enroll),
        ("POST", "/factors/{}/challenge", factors.challenge),
        ("POST", "/factors/{}/verify", factors.verify),
        ("DELETE", "/factors/{}", factors.unenroll),
    ),
    *_routes(
        Door.ADMIN,
        ("POST", "/invite", admin_links.invite),
        ("POST", "/admin/generate_link", admin_links.generate_link),
        ("GET", "/admin/audit", admin.list_audit),
        ("GET", "/admin/users", admin.list_users),
        ("POST", "/admin/users", admin.create_user),
        ("GET", "/admin/users/{}", admin.get_user),
        ("PUT", "/admin/users/{}", admin.update_user),
        ("DELETE", "/admin/users/{}", admin.delete_user),
        ("GET", "/admin/users/{}/factors", admin.list_factors),
        ("PUT", "/admin/users/{}/factors/{}", admin.update_factor),
        ("DELETE", "/admin/users/{}/factors/{}", admin.delete_factor),
        ("GET", "/admin/sso/providers", discovery.single_sign_on),
        ("GET", "/admin/oauth/clients", discovery.authorization_server),
        ("POST", "/admin/oauth/clients", discovery.authorization_server),
    ),
)


class AuthApp:
    """The auth protocol as an ASGI application."""

    def __init__(self, services: Services, mailer: Mailer) -> None:
        """Parse the configuration; a wrong one raises BadUsage here."""
        config = read_config(services.settings)
        mails.check_templates(config)
        turns = asyncio.Semaphore(max(1, services.settings.pool_size // 2))
        providers = Providers(config.providers, allow_loopback=services.settings.loopback_providers)
        self._auth = Auth(services=services, config=config, mailer=mailer, providers=providers, mail_turns=turns)
        self._watch = TrustWatch(services.sessions.trusted)
        self._patterns = [(re.compile(_pattern(route.path)), route) for route in ROUTES]

    async def start(self) -> None:
        """Make the hash that is compared for users who do not exist, and read the keys of other issuers."""
        await asyncio.gather(asyncio.to_thread(stand_in_hash), self._watch.start())

    async def stop(self) -> None:
        """Close connections to providers; those to the database belong to the services."""
        await self._watch.stop()
        await self._auth.providers.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = read_head(scope)
        try:
            response = await self._answer(replace(request, body=await read_body(receive)))
        except ApiError as error:
            response = refusal(error, request)
        except Exception as error:  # noqa: BLE001 - the top of this protocol: people get GoTrue's form of a 500
            _log.exception("auth request failed: %s %s", request.method, request.path)
            response = refusal(_of_failure(error), request)
        await send_response(response, send)

    async def _answer(self, request: Request) -> Response:
        route, parts = self._find(request)
        request = replace(request, parts=parts)
        if route.user is not None:
            check_key(self._auth, request)
            return await route.user(self._auth, request, await check_user(self._auth, request))
        if route.door is Door.KEY:
            check_key(self._auth, request)
        elif route.door is Door.ADMIN:
            check_admin(self._auth, request)
        if route.plain is None:
            raise unexpected()
        return await route.plain(self._auth, request)

    def _find(self, request: Request) -> tuple[Route, tuple[str, ...]]:
        path = request.path.rstrip("/") or "/"
        found = [(route, match) for pattern, route in self._patterns if (match := pattern.fullmatch(path))]
        for route, match in found:
            if route.method == request.method:
                return route, match.groups()
        if found:
            raise ApiError(405, "validation_failed", "Method Not Allowed")
        raise ApiError(404, "validation_failed", "404 page not found")


def _pattern(path: str) -> str:
    return "([^/]+)".join(re.escape(part) for part in path.split("{}"))


def _of_failure(error: Exception) -> ApiError:
    if isinstance(error, ConnectionLost | PoolExhausted | TimeoutError):
        return ApiError(503, "unexpected_failure", "The database cannot be reached right now")
    return unexpected()

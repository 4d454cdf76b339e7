"""Where a browser may be sent after a link: the rules of GoTrue's allow list. Pure functions."""

import ipaddress
import re
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit, urlunsplit

from freehold.runtime.auth.config import LOOPBACK_HOSTS, AuthConfig
from freehold.runtime.auth.errors import OAUTH_NAMES, ApiError, OAuthRefused
from freehold.runtime.auth.http import Request

_HOST = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?")
_DECIMAL_ADDRESS = re.compile(r"[0-9]+")
_SCHEMES_THAT_RUN = frozenset({"javascript", "data", "vbscript", "blob", "file", "about"})
_WELL_KNOWN_PORTS = {"http": 80, "https": 443}


def redirect_target(config: AuthConfig, request: Request, wanted: str = "") -> str:
    """Give where to send the browser: as asked for if that is allowed, else the page it came from, else the site."""
    candidates = (
        wanted,
        request.headers.get("redirect_to", ""),
        request.query.get("redirect_to", ""),
        request.headers.get("referer", ""),
    )
    return next((item for item in candidates if is_allowed(config, item)), config.site_url)


def is_allowed(config: AuthConfig, target: str) -> bool:
    """Say whether a browser may be sent to `target`."""
    if not target or any(character in target for character in "\\\r\n\t\0"):
        return False
    try:
        parts = urlsplit(target)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.scheme.lower() in _SCHEMES_THAT_RUN or parts.username is not None:
        return False
    sites = (config.site_url, config.redirect_urls[0])
    if any(_is_same_site(site, parts.scheme, host, port) for site in sites):
        return True
    return _is_listed(config, target, parts.scheme, host)


def with_fragment(target: str, values: dict[str, str]) -> str:
    """Put values into the fragment, in the alphabetical order Go's encoder gives them."""
    return f"{target.partition('#')[0]}#{_encode(values)}"


def with_query(target: str, values: dict[str, str]) -> str:
    """Add values to the query."""
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True)) | values
    return urlunsplit((parts.scheme, parts.netloc, parts.path, _encode(query), parts.fragment))


def with_error(target: str, error: ApiError, *, is_pkce: bool) -> str:
    """Tell the page what went wrong: in the fragment, with PKCE in the query too."""
    values = {"error_code": error.code, "error_description": error.message}
    if error.status in OAUTH_NAMES:
        values["error"] = OAUTH_NAMES[error.status]
    found = with_query(target, values) if is_pkce else target
    return with_fragment(found, values | {"sb": ""})


def with_callback_error(target: str, error: ApiError) -> str:
    """Tell the page why a provider's sign-in failed: in the query and in the fragment."""
    values = {"error": _callback_name(error), "error_description": error.message}
    if error.code:
        values["error_code"] = error.code
    return with_fragment(with_query(target, values), values | {"sb": ""})


def with_state_error(target: str, error: ApiError) -> str:
    """Tell the site that an answer belongs to no sign-in under way: in the query alone."""
    values = {"error": _callback_name(error), "error_code": error.code, "error_description": error.message}
    return with_query(target, values)


def with_message(target: str, message: str, *, is_pkce: bool) -> str:
    """Tell the page what to do next."""
    found = with_query(target, {"message": message}) if is_pkce else target
    return with_fragment(found, {"message": message, "sb": ""})


def _callback_name(error: ApiError) -> str:
    if isinstance(error, OAuthRefused):
        return error.error
    if error.code in {"signup_disabled", "user_banned", "provider_email_needs_verification"}:
        return "access_denied"
    return OAUTH_NAMES.get(error.status, "server_error")


def _is_listed(config: AuthConfig, target: str, scheme: str, host: str) -> bool:
    """Numeric addresses are refused unless they are loopback ones, which native apps listen on (RFC 8252)."""
    is_web = scheme in _WELL_KNOWN_PORTS
    address = _address(host)
    if address:
        return is_web and address.is_loopback
    if _DECIMAL_ADDRESS.fullmatch(host) or (is_web and not _HOST.fullmatch(host)):
        return False
    without_fragment = target.partition("#")[0]
    return any(_glob(pattern).fullmatch(without_fragment) for pattern in config.redirect_urls)


def _encode(values: dict[str, str]) -> str:
    return urlencode(sorted(values.items()), quote_via=quote_plus)


def _is_same_site(site: str, scheme: str, host: str, port: int | None) -> bool:
    base = urlsplit(site)
    if not host or (base.hostname, base.scheme) != (host, scheme):
        return False
    default = _WELL_KNOWN_PORTS.get(scheme)
    return host in LOOPBACK_HOSTS or (base.port or default) == (port or default)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _glob(pattern: str) -> re.Pattern[str]:
    """Compile a pattern: `*` stops at `.` and `/`, `**` does not, `?` is one character that is neither."""
    wild = {"**": ".*", "*": "[^./]*", "?": "[^./]"}
    tokens = re.findall(r"\*\*|\*|\?|[^*?]+", pattern)
    return re.compile("".join(wild.get(token) or re.escape(token) for token in tokens), re.DOTALL)

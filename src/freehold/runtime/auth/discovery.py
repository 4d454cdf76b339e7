"""What anyone may know: /settings, /health and the public keys."""

from freehold.runtime.auth.context import Auth
from freehold.runtime.auth.errors import ApiError
from freehold.runtime.auth.http import Request, Response, ok

VERSION = "v2.189.0"
"""The GoTrue version whose behaviour is followed."""
PROVIDERS = (
    "apple",
    "azure",
    "bitbucket",
    "discord",
    "facebook",
    "snapchat",
    "figma",
    "fly",
    "github",
    "gitlab",
    "google",
    "keycloak",
    "kakao",
    "linkedin",
    "linkedin_oidc",
    "notion",
    "spotify",
    "slack",
    "slack_oidc",
    "workos",
    "twitch",
    "twitter",
)
_CACHED = (("cache-control", "public, max-age=600"),)


async def settings(auth: Auth, request: Request) -> Response:
    """Say which ways to sign in are switched on."""
    del request
    config = auth.config
    external = {"anonymous_users": config.anonymous_enabled}
    external |= {name: auth.providers.find(name) is not None for name in PROVIDERS}
    external |= {"email": config.email_enabled, "phone": config.phone_enabled, "zoom": False}
    return ok(
        {
            "external": external,
            "disable_signup": not config.signup_enabled,
            "mailer_autoconfirm": config.autoconfirm,
            "phone_autoconfirm": not config.phone_confirmations,
            "sms_provider": "",
            "saml_enabled": False,
            "saml_private_key_next_configured": False,
            "passkeys_enabled": False,
        }
    )


async def health(auth: Auth, request: Request) -> Response:
    """Say that this is up."""
    del auth, request
    description = "GoTrue is a user registration and authentication API"
    return ok({"version": VERSION, "name": "GoTrue", "description": description})


async def jwks(auth: Auth, request: Request) -> Response:
    """Give the public keys."""
    del request
    return ok(auth.services.sessions.jwks(), headers=_CACHED)


async def openid_configuration(auth: Auth, request: Request) -> Response:
    """Give what verifiers of our tokens look up; there is no authorization server behind it."""
    del request
    issuer = auth.config.external_url
    return ok(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/oauth/authorize",
            "token_endpoint": f"{issuer}/oauth/token",
            "jwks_uri": f"{issuer}/.well-known/jwks.json",
            "userinfo_endpoint": f"{issuer}/oauth/userinfo",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256", "RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "code_challenge_methods_supported": ["S256", "plain"],
        },
        headers=_CACHED,
    )


async def single_sign_on(auth: Auth, request: Request) -> Response:
    """Refuse SAML."""
    del auth, request
    raise ApiError(404, "saml_provider_disabled", "SAML 2.0 is disabled")


async def passkeys(auth: Auth, request: Request) -> Response:
    """Refuse passkeys."""
    del auth, request
    raise ApiError(404, "passkey_disabled", "Passkey authentication is disabled")


async def authorization_server(auth: Auth, request: Request) -> Response:
    """Refuse to be an OAuth server for other apps."""
    del auth, request
    raise ApiError(404, "feature_disabled", "OAuth server is not enabled")

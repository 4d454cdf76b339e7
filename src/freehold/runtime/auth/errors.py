"""Refusals in GoTrue's words, and the two JSON forms they take."""

from dataclasses import dataclass, field

API_VERSION = "2024-01-01"
OAUTH_NAMES = {
    400: "invalid_request",
    401: "unauthorized_client",
    403: "access_denied",
    500: "server_error",
    503: "temporarily_unavailable",
}


@dataclass
class ApiError(Exception):
    """One refusal: HTTP status, GoTrue's error code and its message. Never holds a secret."""

    status: int
    code: str
    message: str
    weak_reasons: tuple[str, ...] = field(default=())

    def body(self, api_version: str) -> dict[str, object]:
        """Give the JSON object: {code, message} from version 2024-01-01 on, {code, error_code, msg} before."""
        if api_version >= API_VERSION:
            found: dict[str, object] = {"code": self.code, "message": self.message}
        else:
            found = {"code": self.status, "error_code": self.code, "msg": self.message}
        if self.weak_reasons:
            found["weak_password"] = {"reasons": list(self.weak_reasons)}
        return found


@dataclass
class OAuthRefused(ApiError):
    """A refusal in OAuth's own form: {error, error_description}, without a code."""

    error: str = "invalid_request"

    def body(self, api_version: str) -> dict[str, object]:
        """Give RFC 6749's JSON object."""
        del api_version
        return {"error": self.error, "error_description": self.message}


def oauth_refused(error: str, message: str) -> OAuthRefused:
    """400 in OAuth's form."""
    return OAuthRefused(400, "", message, error=error)


def invalid(message: str) -> ApiError:
    """400 validation_failed."""
    return ApiError(400, "validation_failed", message)


def unexpected(message: str = "Unexpected failure, please check server logs for more information") -> ApiError:
    """500 unexpected_failure."""
    return ApiError(500, "unexpected_failure", message)


def invalid_login() -> ApiError:
    """400 for every sign-in that failed, whatever the cause."""
    return ApiError(400, "invalid_credentials", "Invalid login credentials")


def email_exists() -> ApiError:
    """422 for an address that another user has."""
    return ApiError(422, "email_exists", "A user with this email address has already been registered")


def phone_exists() -> ApiError:
    """422 for a phone number that another user has."""
    return ApiError(422, "phone_exists", "A user with this phone number has already been registered")


def expired_code() -> ApiError:
    """403 for a wrong, used or expired code."""
    return ApiError(403, "otp_expired", "Token has expired or is invalid")


def expired_link() -> ApiError:
    """403 for a wrong, used or expired link."""
    return ApiError(403, "otp_expired", "Email link is invalid or has expired")


def too_many_requests() -> ApiError:
    """429 of the request limits."""
    return ApiError(429, "over_request_rate_limit", "Request rate limit reached")


def banned(status: int = 403) -> ApiError:
    """A user who may not sign in now."""
    return ApiError(status, "user_banned", "User is banned")

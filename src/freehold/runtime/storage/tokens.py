"""Signed URLs: short-lived JWTs for one object and one act, in Supabase's form.

Claims: {url: "bucket/key", scope: "download" | "upload", iat, exp} and for uploads {owner, upsert}. Tokens of older
servers have no scope: they are for uploads if, and only if, they carry `upsert`.
"""

import hmac
import time
from dataclasses import dataclass

from joserfc import jwt
from joserfc.jwk import OctKey

from freehold.core.secret import Secret
from freehold.runtime import openid
from freehold.runtime.storage.errors import StorageError

UPLOAD_SECONDS = 2 * 60 * 60
"""What the hosted service documents for upload tokens."""
JWS_PARTS = 3


@dataclass(frozen=True, slots=True)
class Signed:
    """What a valid token says."""

    expires_at: int
    owner: str | None
    upsert: bool


class Tokens:
    """Signs and verifies with the server's HS256 secret."""

    def __init__(self, secret: Secret) -> None:
        """Import the key once."""
        self._key = OctKey.import_key(secret.reveal())

    def for_download(self, url: str, seconds: int) -> str:
        """Sign the right to read one object; `url` is bucket/key."""
        return self._sign({"url": url, "scope": "download"}, seconds)

    def for_upload(self, url: str, *, owner: str | None, upsert: bool) -> str:
        """Sign the right to write one object as `owner`."""
        claims = {"owner": owner} if owner else {}
        return self._sign({**claims, "url": url, "upsert": upsert, "scope": "upload"}, UPLOAD_SECONDS)

    def verify_download(self, token: str, url: str) -> Signed:
        """Read a token for downloads of `url`; raises InvalidJWT or InvalidSignature."""
        return self._verify(token, url, "download")

    def verify_upload(self, token: str, url: str) -> Signed:
        """Read a token for uploads to `url`; raises InvalidJWT or InvalidSignature."""
        return self._verify(token, url, "upload")

    def _sign(self, claims: dict[str, object], seconds: int) -> str:
        now = int(time.time())
        return jwt.encode({"alg": "HS256", "typ": "JWT"}, {**claims, "iat": now, "exp": now + seconds}, self._key)

    def _verify(self, token: str, url: str, act: str) -> Signed:
        if token.count(".") + 1 != JWS_PARTS:
            raise _invalid("Invalid Compact JWS")
        try:
            claims = openid.decoded(token, self._key, ("HS256",))
        except openid.NotValid as error:
            raise _invalid("signature verification failed") from error
        if claims.get("scope", "upload" if "upsert" in claims else "download") != act:
            raise StorageError(400, "InvalidSignature", f"Token is not scoped for {act}")
        named = claims.get("url")
        if not isinstance(named, str) or not hmac.compare_digest(named.encode(), url.encode()):
            raise StorageError(400, "InvalidSignature", "Invalid signature")
        expires_at = claims.get("exp")
        if not isinstance(expires_at, int | float) or expires_at <= time.time():
            raise _invalid('"exp" claim timestamp check failed')
        owner = claims.get("owner")
        return Signed(int(expires_at), owner if isinstance(owner, str) else None, claims.get("upsert") is True)


def _invalid(message: str) -> StorageError:
    return StorageError(400, "InvalidJWT", message)

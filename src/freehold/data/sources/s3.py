"""Uploaded files by S3's protocol, as Supabase's Storage and most object stores speak it: GET /bucket/name, signed.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs, quote, urlsplit

from freehold.core.errors import BadUsage
from freehold.core.secret import Secret
from freehold.data.sources.files import Asked, HttpFiles, opened_http

PREFIX = "s3+"
EMPTY_DIGEST = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, kw_only=True)
class Signer:
    """A key that may read, and what it is for."""

    key_id: str
    key: Secret
    region: str

    def signed(self, host: str, path: str, headers: Mapping[str, str], now: datetime) -> dict[str, str]:
        """Give the headers of a GET with its signature; `path` is percent-encoded already."""
        moment = now.strftime("%Y%m%dT%H%M%SZ")
        sent = {**headers, "host": host, "x-amz-content-sha256": EMPTY_DIGEST, "x-amz-date": moment}
        names = ";".join(sorted(sent))
        listed = "".join(f"{name}:{sent[name].strip()}\n" for name in sorted(sent))
        request = f"GET\n{path}\n\n{listed}\n{names}\n{EMPTY_DIGEST}"
        scope = f"{moment[:8]}/{self.region}/s3/aws4_request"
        text = "\n".join(("AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(request.encode()).hexdigest()))
        key = b"AWS4" + self.key.reveal().encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.new(key, text.encode(), "sha256").hexdigest()
        credential = f"Credential={self.key_id}/{scope}"
        return {
            **sent,
            "authorization": f"AWS4-HMAC-SHA256 {credential},SignedHeaders={names},Signature={signature}",
        }


class S3:
    """An endpoint with one bucket for each bucket of the project, such as https://REF.supabase.co/storage/v1/s3."""

    def __init__(self, address: str, key: Secret) -> None:
        """`address` is s3+https://HOST/PATH?region=REGION, `key` is KEY_ID:KEY. Raises BadUsage."""
        parts = urlsplit(address.removeprefix(PREFIX))
        key_id, colon, word = key.reveal().partition(":")
        if not colon or not word:
            raise BadUsage(
                "the key for S3 has two parts", hint="FREEHOLD_MOVE_FILES_KEY=ACCESS_KEY_ID:SECRET_ACCESS_KEY"
            )
        region = parse_qs(parts.query).get("region", ["us-east-1"])[0]
        self._signer = Signer(key_id=key_id, key=Secret(word), region=region)
        self._origin, self._host, self._path = f"{parts.scheme}://{parts.netloc}", parts.netloc, parts.path.rstrip("/")
        self.described = f"{self._origin}{self._path}"

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[HttpFiles]:
        """One pool of connections; each request has a signature of its own."""
        async with opened_http(self._asked, described=f"the object store at {self.described}") as files:
            yield files

    def _asked(self, bucket: str, name: str) -> Asked:
        path = f"{self._path}/{quote(bucket, safe='-_.~')}/{quote(name, safe='/-_.~')}"
        return Asked(self._origin + path, self._signer.signed(self._host, path, {}, datetime.now(UTC)))

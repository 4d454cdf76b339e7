"""Storage's errors as supabase-js reads them: nearly all are HTTP 400, and the body's statusCode says what it was.

Shape and texts follow Supabase Storage 1.4x: {statusCode, code, error, message}.
"""

from http import HTTPStatus

from freehold.runtime.database import DatabaseError
from freehold.runtime.session import Refused

RLS_DENIED = "new row violates row-level security policy"


class StorageError(Exception):
    """One refusal. `status` is the body's statusCode, `http_status` what HTTP says."""

    def __init__(self, status: int, code: str, message: str, *, error: str = "", http_status: int = 400) -> None:
        """Without `error`, its place in the body holds the code, as upstream does."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.error = error or code
        self.http_status = http_status

    def body(self) -> dict[str, str]:
        """The JSON body."""
        return {"statusCode": str(self.status), "code": self.code, "error": self.error, "message": self.message}


def no_such_bucket() -> StorageError:
    """The bucket does not exist, or the caller may not know."""
    return StorageError(404, "NoSuchBucket", "Bucket not found", error="Bucket not found")


def no_such_key() -> StorageError:
    """The object does not exist, or the caller may not know."""
    return StorageError(404, "NoSuchKey", "Object not found", error="not_found")


def key_already_exists() -> StorageError:
    """An object of that name is there, and the caller did not ask to replace it."""
    return StorageError(409, "KeyAlreadyExists", "The resource already exists", error="Duplicate")


def bucket_already_exists() -> StorageError:
    """A bucket of that name is there."""
    return StorageError(409, "BucketAlreadyExists", "The resource already exists", error="Duplicate")


def access_denied(message: str, *, http_status: int = 400) -> StorageError:
    """A policy, a missing right or a bad token."""
    return StorageError(403, "AccessDenied", message, error="Unauthorized", http_status=http_status)


def invalid_key(key: str) -> StorageError:
    """A name that no object may have."""
    return StorageError(400, "InvalidKey", f"Invalid key: {key}")


def invalid_bucket_name() -> StorageError:
    """A name that no bucket may have."""
    return StorageError(400, "InvalidBucketName", "Bucket name invalid", error="Invalid Input")


def invalid_mime_type(mime_type: str) -> StorageError:
    """The bucket takes other types only."""
    message = f"mime type {mime_type} is not supported"
    return StorageError(415, "InvalidMimeType", message, error="invalid_mime_type")


def too_large(entity: str = "object") -> StorageError:
    """More bytes than the bucket or the server takes."""
    message = f"The {entity} exceeded the maximum allowed size"
    return StorageError(413, "EntityTooLarge", message, error="Payload too large")


def invalid_request(message: str) -> StorageError:
    """The request cannot be read."""
    return StorageError(400, "InvalidRequest", message)


def invalid_body(message: str) -> StorageError:
    """The JSON body lacks something; upstream's validator calls all of these "Error"."""
    return StorageError(400, "InvalidRequest", message, error="Error")


def invalid_range() -> StorageError:
    """A Range that lies outside of the object; one of the few with their own HTTP status."""
    return StorageError(416, "InvalidRange", "invalid range provided", error="invalid_range", http_status=416)


def not_enabled(what: str) -> StorageError:
    """Part of the protocol that this server does not speak."""
    return StorageError(400, "FeatureNotEnabled", f"{what} are not enabled on this server")


def refused(error: Refused) -> StorageError:
    """A token that cannot be accepted, in the words of the library that upstream uses."""
    if error.expired:
        return access_denied('"exp" claim timestamp check failed')
    if error.reason.startswith("Expected 3 parts"):
        return access_denied("Invalid Compact JWS")
    if error.reason == "JWT cryptographic operation failed":
        return access_denied("signature verification failed")
    return access_denied(error.reason)


def from_database(error: DatabaseError) -> StorageError:
    """What PostgreSQL refused, in storage's terms; the caller never sees more of its text than policies are worth."""
    if error.sqlstate == "42501":
        return access_denied(RLS_DENIED if "row-level security" in error.message else error.message)
    if error.sqlstate == "23503" and "is still referenced" in (error.detail or ""):
        message = "The resource could not be updated or removed due to a foreign key constraint"
        return StorageError(409, "ResourceReferenced", message)
    if error.sqlstate in {"22P02", "22P05", "22021"}:
        return StorageError(400, "InvalidParameter", error.message)
    known = _BY_SQLSTATE.get(error.sqlstate)
    if known is not None:
        return StorageError(known[0], known[1], known[2], error=known[3], http_status=known[4])
    message = f"database error, code: {error.sqlstate}"
    return StorageError(500, "DatabaseError", message, http_status=HTTPStatus.INTERNAL_SERVER_ERROR)


_SCHEMA = "The database schema is out of sync: a table, column or function that a policy or Storage needs is missing"
_BY_SQLSTATE = {
    "23505": (409, "ResourceAlreadyExists", "The resource already exists", "Duplicate", 400),
    "23503": (404, "InvalidRequest", "The related resource does not exist", "", 400),
    "55P03": (423, "ResourceLocked", "The resource is locked", "", 400),
    "57014": (544, "DatabaseTimeout", "The connection to the database timed out", "", 544),
    "25006": (503, "DatabaseReadOnly", "The database is in read-only mode. Please try again later.", "", 400),
    "42P17": (503, "DatabaseInvalidObjectDefinition", "The database schema is invalid or incompatible.", "", 400),
    "42703": (503, "DatabaseSchemaMismatch", _SCHEMA, "", 400),
    "42P01": (503, "DatabaseSchemaMismatch", _SCHEMA, "", 400),
    "42883": (503, "DatabaseSchemaMismatch", _SCHEMA, "", 400),
}

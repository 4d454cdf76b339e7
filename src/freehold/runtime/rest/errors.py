"""Refusals of a request, with PostgREST v14's codes, statuses, messages, details and hints (its "Errors" page)."""

from collections.abc import Iterable, Sequence

import orjson

Json = str | list[dict[str, str]] | None
Header = tuple[bytes, bytes]


class ApiError(Exception):
    """An answer other than success: HTTP status, PGRST or SQLSTATE code, and three texts for the client."""

    def __init__(  # noqa: PLR0913 - the four keys of the body, the status, and extra headers
        self,
        status: int,
        code: str,
        message: str,
        details: Json = None,
        hint: str | None = None,
        *,
        headers: Sequence[Header] = (),
    ) -> None:
        """Hold what the answer consists of."""
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.hint = hint
        self.headers = tuple(headers)

    def body(self) -> bytes:
        """The JSON body: always the four keys."""
        body = {"code": self.code, "details": self.details, "hint": self.hint, "message": self.message}
        return orjson.dumps(body)


def bad_query(message: str, details: str) -> ApiError:
    """The query string does not parse."""
    return ApiError(400, "PGRST100", message, details)


def wrong_rpc_method(method: str) -> ApiError:
    """A function cannot be called with this method."""
    return ApiError(405, "PGRST101", f"Cannot use the {method} method on RPC")


def bad_body(message: str) -> ApiError:
    """The body does not parse, or its rows differ in their keys."""
    return ApiError(400, "PGRST102", message)


def negative_limit() -> ApiError:
    """The limit is negative."""
    return _bad_range("Limit should be greater than or equal to zero.")


def reversed_range() -> ApiError:
    """The Range header ends before it starts."""
    return _bad_range("The lower boundary must be lower than or equal to the upper boundary in the Range header.")


def beyond_the_end(offset: int, total: int) -> ApiError:
    """The offset is beyond the last row."""
    return _bad_range(f"An offset of {offset} was requested, but there are only {total} rows.")


def _bad_range(details: str) -> ApiError:
    return ApiError(416, "PGRST103", "Requested range not satisfiable", details)


def bad_put_filters() -> ApiError:
    """PUT needs the whole primary key and nothing else."""
    message = "Filters must include all and only primary key columns with 'eq' operators"
    return ApiError(405, "PGRST105", message)


def unknown_schema(schema: str, exposed: Iterable[str]) -> ApiError:
    """The profile header names a schema that is not exposed."""
    hint = "Only the following schemas are exposed: " + ", ".join(exposed)
    return ApiError(406, "PGRST106", f"Invalid schema: {schema}", None, hint)


def not_acceptable(wanted: Iterable[str]) -> ApiError:
    """Nothing produces any of the media types in Accept."""
    return ApiError(406, "PGRST107", "None of these media types are available: " + ", ".join(wanted))


def not_embedded(name: str) -> ApiError:
    """A filter, order or limit belongs to an embed that is not selected."""
    return ApiError(
        400,
        "PGRST108",
        f"'{name}' is not an embedded resource in this request",
        None,
        f"Verify that '{name}' is included in the 'select' query parameter.",
    )


def bad_response_headers() -> ApiError:
    """The setting response.headers is malformed."""
    message = "response.headers guc must be a JSON array composed of objects with a single key and a string value"
    return ApiError(500, "PGRST111", message)


def bad_response_status() -> ApiError:
    """The setting response.status is malformed."""
    return ApiError(500, "PGRST112", "response.status guc must be a valid status code")


def put_with_limit() -> ApiError:
    """PUT cannot be limited."""
    return ApiError(400, "PGRST114", "limit/offset querystring parameters are not allowed for PUT")


def put_key_mismatch() -> ApiError:
    """The body's key is not the URL's."""
    return ApiError(400, "PGRST115", "Payload values do not match URL in primary key column(s)")


def not_singular(rows: int) -> ApiError:
    """One object was wanted and the rows are not exactly one."""
    message = "Cannot coerce the result to a single JSON object"
    return ApiError(406, "PGRST116", message, f"The result contains {rows} rows")


def unsupported_method(method: str) -> ApiError:
    """The resource does not know the method."""
    return ApiError(405, "PGRST117", f"Unsupported HTTP method: {method}")


def related_order_not_to_one(origin: str, target: str) -> ApiError:
    """Rows can be ordered by a to-one embed only."""
    return ApiError(
        400,
        "PGRST118",
        f"A related order on '{target}' is not possible",
        f"'{origin}' and '{target}' do not form a many-to-one or one-to-one relationship",
    )


def bad_raise(details: str, hint: str) -> ApiError:
    """A RAISE with SQLSTATE PGRST holds no JSON."""
    return ApiError(500, "PGRST121", "Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error", details, hint)


def invalid_preferences(preferences: Iterable[str]) -> ApiError:
    """Strict handling meets a preference nobody knows."""
    details = "Invalid preferences: " + ", ".join(preferences)
    return ApiError(400, "PGRST122", "Invalid preferences given with handling=strict", details)


def aggregates_not_allowed() -> ApiError:
    """Aggregates are switched off."""
    return ApiError(400, "PGRST123", "Use of aggregate functions is not allowed")


def too_many_affected(rows: int) -> ApiError:
    """More rows are affected than the client wants."""
    message = "Query result exceeds max-affected preference constraint"
    return ApiError(400, "PGRST124", message, f"The query affects {rows} rows")


def bad_path() -> ApiError:
    """The path names no resource."""
    return ApiError(404, "PGRST125", "Invalid path specified in request URL")


def openapi_disabled() -> ApiError:
    """The description of the API is switched off."""
    return ApiError(404, "PGRST126", "Root endpoint metadata is disabled")


def not_implemented(details: str) -> ApiError:
    """PostgREST does not do this either."""
    return ApiError(400, "PGRST127", "Feature not implemented", details)


def max_affected_needs_a_set() -> ApiError:
    """max-affected counts rows, and the function returns none."""
    message = "Function must return SETOF or TABLE when max-affected preference is used with handling=strict"
    return ApiError(400, "PGRST128", message)


def no_schema_cache() -> ApiError:
    """The catalogue was never read."""
    return ApiError(503, "PGRST002", "Could not query the database for the schema cache. Retrying.")


def too_large(limit_bytes: int) -> ApiError:
    """The body is larger than the server accepts."""
    return ApiError(413, "PGRST102", "The request body is too large", f"At most {limit_bytes} bytes are read.")


def uri_too_long(limit_bytes: int) -> ApiError:
    """The URL is longer than the server accepts."""
    return ApiError(414, "PGRST100", "The request URL is too long", f"At most {limit_bytes} bytes are read.")


def missing_jwt_secret() -> ApiError:
    """A token came and nothing can verify it."""
    return ApiError(500, "PGRST300", "Server lacks JWT secret")


def undecodable_token(message: str, details: str | None = None) -> ApiError:
    """The token is no token, or not signed by a key we know."""
    return ApiError(401, "PGRST301", message, details, headers=[_invalid_token(message)])


def token_required() -> ApiError:
    """Nobody may come without a token."""
    challenge = (b"www-authenticate", b"Bearer")
    return ApiError(401, "PGRST302", "Anonymous access is disabled", headers=[challenge])


def refused_claims(message: str) -> ApiError:
    """The token is genuine, but expired, early, for somebody else or malformed."""
    return ApiError(401, "PGRST303", message, headers=[_invalid_token(message)])


def _invalid_token(message: str) -> Header:
    return b"www-authenticate", f'Bearer error="invalid_token", error_description="{message}"'.encode()

"""/admin/users and /admin/audit: what the server's own key may do."""

import base64
import hashlib
import uuid
from datetime import UTC, datetime

import orjson

from freehold.platform.credentials.passwords import UnusableHash, check_hash
from freehold.runtime.auth import accounts, audit, pages, passwords
from freehold.runtime.auth.accounts import NewUser
from freehold.runtime.auth.config import parse_duration
from freehold.runtime.auth.context import Auth
from freehold.runtime.auth.errors import ApiError, email_exists, invalid, phone_exists, unexpected
from freehold.runtime.auth.factors import find_factor
from freehold.runtime.auth.http import Json, Request, Response, ok
from freehold.runtime.auth.statements import statement
from freehold.runtime.auth.users import AUDIENCE, User, factor_json, read_user, user_json, user_of
from freehold.runtime.database import DatabaseError, Statement

_AUDIT_SCOPES = {
    "author": ["actor_username", "actor_name"],
    "action": ["action"],
    "type": ["log_type"],
}


async def list_users(auth: Auth, request: Request) -> Response:
    """Give a page of users, newest first, with Link and X-Total-Count."""
    page, per_page = pages.paging(request)
    sort = request.query.get("sort", "created_at desc").lower().split()
    if not sort or sort[0] != "created_at" or sort[1:] not in ([], ["asc"], ["desc"]):
        raise invalid(f"Bad Sort Parameters: bad field for sort '{request.query.get('sort')}'")
    wanted = request.query.get("filter", "")
    is_ascending = sort[1:] == ["asc"]
    results = await auth.pool.run(
        [
            statement("list_users", AUDIENCE, wanted, per_page, (page - 1) * per_page, is_ascending),
            statement("count_users", AUDIENCE, wanted),
        ]
    )
    rows = orjson.loads(results[0].one()[0] or b"[]")
    headers = pages.page_headers(request, page, per_page, int(results[1].one()[0] or b"0"))
    return ok({"users": [user_json(user_of(row)) for row in rows], "aud": AUDIENCE}, headers=headers)


async def create_user(auth: Auth, request: Request) -> Response:
    """Make a user with a password, a hash from elsewhere, or neither."""
    body = request.json()
    if not body.get("email") and not body.get("phone"):
        raise invalid("Cannot create a user without either an email or phone")
    new = await _new_user(auth, body)
    ban = _ban_until(body)
    async with auth.pool.transaction() as connection:
        await accounts.create(connection, new, adopt=False)
        await connection.run(
            [
                statement("merge_app_metadata", new.id, accounts.mapping(body, "app_metadata") or {}),
                *(accounts.confirm_statements(new.id) if accounts.flag(body, "email_confirm") else ()),
                *([statement("confirm_phone", new.id)] if accounts.flag(body, "phone_confirm") else ()),
                *([statement("set_ban", new.id, ban)] if ban else ()),
                audit.by_admin(request, "user_signedup", _traits(new.id, new.email, new.phone)),
            ]
        )
        return ok(user_json(await accounts.read(connection, new.id)))


async def get_user(auth: Auth, request: Request) -> Response:
    """Give one user."""
    return ok(user_json(await _find(auth, request)))


async def update_user(auth: Auth, request: Request) -> Response:
    """Change anything of a user."""
    user, body = await _find(auth, request), request.json()
    changes = await _changes(auth, user, body)
    try:
        async with auth.pool.transaction() as connection:
            await accounts.lock(connection, user.id)
            record = audit.by_admin(request, "user_modified", _traits(user.id, user.email, user.phone))
            await connection.run([*changes, record])
            return ok(user_json(await accounts.read(connection, user.id)))
    except DatabaseError as error:
        raise unexpected("Error updating user") from error


async def delete_user(auth: Auth, request: Request) -> Response:
    """Delete a user and everything that refers to it; softly, keep the row without what identifies the person."""
    user, body = await _find(auth, request), request.json()
    record = audit.by_admin(request, "user_deleted", _traits(user.id, user.email, user.phone))
    if not accounts.flag(body, "should_soft_delete"):
        orphans = statement("delete_refresh_tokens_of_user", str(user.id))
        try:
            await auth.pool.run([record, orphans, statement("delete_user", user.id)])
        except DatabaseError as error:
            raise unexpected("Database error deleting user") from error
    elif user.sent_at("deleted_at") is None:
        await auth.pool.run([record, *_soft_delete(user)])
    return ok({})


async def list_factors(auth: Auth, request: Request) -> Response:
    """Give a user's second factors."""
    return ok([factor_json(item) for item in (await _find(auth, request)).factors])


async def update_factor(auth: Auth, request: Request) -> Response:
    """Rename a factor."""
    user, body = await _find(auth, request), request.json()
    factor = find_factor(user, request.parts[1])
    name = accounts.text(body, "friendly_name")
    traits = {"user_id": str(user.id), "factor_id": factor["id"], "factor_type": factor["factor_type"]}
    rename = [statement("rename_factor", factor["id"], name)] if name else []
    await auth.pool.run([*rename, audit.by_admin(request, "factor_updated", traits)])
    return ok(factor_json(find_factor(await _find(auth, request), request.parts[1])))


async def delete_factor(auth: Auth, request: Request) -> Response:
    """Remove a factor: the way out for a user who lost the device."""
    user = await _find(auth, request)
    factor = find_factor(user, request.parts[1])
    traits = {"user_id": str(user.id), "factor_id": factor["id"]}
    await auth.pool.run(
        [
            statement("delete_factor_claims", user.id, factor["id"]),
            statement("downgrade_sessions", user.id, factor["id"]),
            statement("delete_factor", factor["id"], user.id),
            audit.by_admin(request, "factor_deleted", traits),
        ]
    )
    return ok(factor_json(factor))


async def list_audit(auth: Auth, request: Request) -> Response:
    """Give a page of the record of acts, newest first; `query` is author:, action: or type: and a part of it."""
    page, per_page = pages.paging(request)
    scope, _, wanted = request.query.get("query", "").partition(":")
    if scope and (scope not in _AUDIT_SCOPES or not wanted):
        raise invalid(f"Invalid query scope: {request.query['query']}")
    names = "{" + ",".join(_AUDIT_SCOPES.get(scope, [])) + "}"
    listing = statement("list_audit", wanted, names, per_page, (page - 1) * per_page)
    results = await auth.pool.run([listing])
    rows, total = results[0].one()
    return ok(orjson.loads(rows or b"[]"), headers=pages.page_headers(request, page, per_page, int(total or b"0")))


async def _find(auth: Auth, request: Request) -> User:
    try:
        user_id = uuid.UUID(request.parts[0])
    except ValueError as error:
        raise ApiError(404, "validation_failed", "user_id must be an UUID") from error
    user = read_user((await auth.pool.run([statement("user_by_id", user_id)]))[0])
    if user is None:
        raise ApiError(404, "user_not_found", "User not found")
    return user


async def _new_user(auth: Auth, body: Json) -> NewUser:
    email = accounts.valid_email(body["email"]) if body.get("email") else ""
    phone = accounts.valid_phone(body["phone"]) if body.get("phone") else ""
    if email and await accounts.find_holder_of_email(auth.pool, email):
        raise email_exists()
    if phone and await accounts.find_by_phone(auth.pool, phone):
        raise ApiError(422, "phone_exists", "Phone number already registered by another user")
    return NewUser(
        id=_chosen_id(body),
        email=email,
        phone=phone,
        password_hash=await _hash_of(body),
        audience=accounts.text(body, "aud") or AUDIENCE,
        role=accounts.text(body, "role").strip() or accounts.ROLE,
        user_metadata=accounts.mapping(body, "user_metadata") or {},
        providers=tuple(name for name, value in (("email", email), ("phone", phone)) if value),
    )


def _chosen_id(body: Json) -> uuid.UUID:
    named = accounts.text(body, "id")
    if not named:
        return uuid.uuid4()
    try:
        chosen = uuid.UUID(named)
    except ValueError as error:
        raise invalid("ID must conform to the uuid v4 format") from error
    if not chosen.int:
        raise invalid("ID cannot be a nil uuid")
    return chosen


async def _hash_of(body: Json) -> str:
    password, stored = accounts.text(body, "password"), accounts.text(body, "password_hash")
    if password and stored:
        raise invalid("Only a password or a password hash should be provided")
    if not stored:
        if len(password.encode()) > 72:  # noqa: PLR2004 - bcrypt's limit, in GoTrue's words
            raise invalid("bcrypt: password length exceeds 72 bytes")
        return await passwords.hashed(password or passwords.random_password()[:64])
    try:
        check_hash(stored)
    except UnusableHash as error:
        raise unexpected("Error creating user") from error
    return stored


async def _changes(auth: Auth, user: User, body: Json) -> list[Statement]:
    email = accounts.valid_email(body["email"]) if body.get("email") else ""
    phone = accounts.valid_phone(body["phone"]) if body.get("phone") else ""
    password, role = accounts.text(body, "password"), accounts.text(body, "role").strip()
    if email and await accounts.find_holder_of_email(auth.pool, email, user.id):
        raise email_exists()
    holder = await accounts.find_by_phone(auth.pool, phone) if phone else None
    if holder is not None and holder.id != user.id:
        raise phone_exists()
    found = [statement("set_role", user.id, role)] if role else []
    if password:
        passwords.check_strength(auth.config, password)
        found += accounts.password_statements(user.id, await passwords.hashed(password))
    for name, address in (("email", email), ("phone", phone)):
        confirm = accounts.flag(body, f"{name}_confirm")
        found += _address(user, name, address, is_confirmed=confirm)
    for column in ("app_metadata", "user_metadata"):
        data = accounts.mapping(body, column)
        found += [statement(f"merge_{column}", user.id, data)] if data is not None else []
    if accounts.text(body, "ban_duration"):
        found.append(statement("set_ban", user.id, _ban_until(body)))
    return found


def _address(user: User, name: str, address: str, *, is_confirmed: bool) -> list[Statement]:
    found: list[Statement] = []
    if address:
        data: Json = {name: address, f"{name}_verified": is_confirmed}
        has_identity = user.identity(name) is not None
        change = statement("update_identity", user.id, name, data)
        found.append(change if has_identity else accounts.identity_statement(user.id, name, data))
        found.append(statement(f"set_{name}", user.id, address))
    if is_confirmed:
        found.append(statement(f"confirm_{name}", user.id))
        found.append(statement("clear_one_time_tokens", user.id))
        found += [statement("not_anonymous", user.id)] if address else []
    return found


def _ban_until(body: Json) -> datetime | None:
    """Give when the ban ends; None for "none" and for no word about it."""
    duration = accounts.text(body, "ban_duration")
    if duration in {"", "none"}:
        return None
    found = parse_duration(duration)
    if found is None:
        raise invalid(f'invalid format for ban duration: time: invalid duration "{duration}"')
    return datetime.now(UTC) + found


def _soft_delete(user: User) -> list[Statement]:
    def hidden(value: str) -> str:
        return _digest(user.id, value)

    phone = hidden(user.phone)[:15]
    pending = user.text("phone_change")
    addresses = (hidden(user.email), phone, hidden(user.text("email_change")), hidden(pending)[:15])
    identities = [
        statement("soft_delete_identity", item["id"], hidden(f"{item['provider']}:{item['provider_id']}"))
        for item in user.identities
    ]
    return [
        statement("soft_delete_user", user.id, *addresses),
        *identities,
        statement("clear_one_time_tokens", user.id),
        statement("delete_factors_of_user", user.id),
        statement("log_out", user.id),
    ]


def _digest(user_id: uuid.UUID, value: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(f"{user_id}{value}".encode()).digest()).rstrip(b"=").decode()


def _traits(user_id: uuid.UUID, email: str, phone: str) -> Json:
    return {"user_id": str(user_id), "user_email": email, "user_phone": phone}

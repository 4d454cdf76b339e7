"""Whose account a person from a provider gets: GoTrue's rules, and stricter where an address was not proved.

An address links accounts only when the provider vouches for it. An account whose address nobody has proved may have
been made by somebody else in wait for its owner: when a provider proves the address, whatever opened that account
before (password, unproved identities, second factors, sessions) is taken away.
"""

import uuid

import orjson

from freehold.runtime.auth import accounts, audit, links
from freehold.runtime.auth.accounts import NewUser
from freehold.runtime.auth.context import Auth
from freehold.runtime.auth.errors import ApiError, banned, email_exists, unexpected
from freehold.runtime.auth.http import Json, Request
from freehold.runtime.auth.links import CONFIRMATION, Errand
from freehold.runtime.auth.providers.person import Person
from freehold.runtime.auth.statements import statement
from freehold.runtime.auth.users import AUDIENCE, User, user_of
from freehold.runtime.database import Connection, DatabaseError


class Kept(Exception):
    """A refusal whose transaction is kept: an account waits for its address to be confirmed."""

    def __init__(self, refusal: ApiError) -> None:
        """`refusal` is what the person is told."""
        super().__init__(refusal.message)
        self.refusal = refusal


async def sign_in(  # noqa: PLR0913 - who came, from where, and what this provider is allowed
    auth: Auth, connection: Connection, request: Request, provider: str, person: Person, *, email_optional: bool
) -> uuid.UUID:
    """Find, link or make the user within the caller's transaction. Raises ApiError, or Kept."""
    if person.primary is None and not email_optional:
        raise unexpected("Error getting user email from external provider")
    known = await _identity(connection, person.subject, provider)
    if known is not None:
        return await _come_back(auth, connection, request, provider, person, known)
    user = await _holder(connection, person)
    if user is not None:
        return await _link(auth, connection, request, provider, person, user)
    return await _create(auth, connection, request, provider, person)


async def link_to(  # noqa: PLR0913 - as sign_in
    auth: Auth, connection: Connection, request: Request, provider: str, person: Person, *, target: uuid.UUID
) -> uuid.UUID:
    """Add an identity to the account of a signed-in user who asked for it. Raises ApiError, or Kept."""
    user = await accounts.lock(connection, target)
    if user.is_banned:
        raise banned()
    known = await _identity(connection, person.subject, provider)
    if known is not None:
        same = known["user_id"] == str(user.id)
        message = "Identity is already linked" if same else "Identity is already linked to another user"
        raise ApiError(422, "identity_already_exists", message)
    await _add_identity(connection, request, provider, person, user)
    if not user.email and person.primary is not None:
        await _adopt_address(auth, connection, request, provider, person, user)
    await connection.run([statement("update_providers", user.id)])
    return user.id


async def _come_back(  # noqa: PLR0913, PLR0917 - as sign_in
    auth: Auth, connection: Connection, request: Request, provider: str, person: Person, known: Json
) -> uuid.UUID:
    user = await accounts.lock(connection, uuid.UUID(known["user_id"]))
    if user.is_banned:
        raise banned()
    data = person.identity_data
    await connection.run(
        [
            statement("refresh_identity", known["id"], data),
            statement("merge_user_metadata", user.id, data),
            statement("update_providers", user.id),
        ]
    )
    if user.email and not user.is_confirmed:
        await _confirm_or_wait(auth, connection, request, provider, person, user, known["id"])
    else:
        await connection.run([audit.by_user(request, user, "login", {"provider": provider})])
    return user.id


async def _link(  # noqa: PLR0913, PLR0917 - as sign_in
    auth: Auth, connection: Connection, request: Request, provider: str, person: Person, found: User
) -> uuid.UUID:
    user = await accounts.lock(connection, found.id)
    if user.is_banned:
        raise banned()
    identity_id = await _add_identity(connection, request, provider, person, user)
    if not user.is_confirmed:
        await _confirm_or_wait(auth, connection, request, provider, person, user, identity_id)
        return user.id
    if not _is_proved(user):
        await _take_old_ways_away(connection, user, identity_id)
    await connection.run(
        [
            statement("merge_user_metadata", user.id, person.identity_data),
            statement("update_providers", user.id),
            audit.by_user(request, user, "login", {"provider": provider}),
        ]
    )
    return user.id


async def _create(auth: Auth, connection: Connection, request: Request, provider: str, person: Person) -> uuid.UUID:
    if not auth.config.signup_enabled:
        raise ApiError(422, "signup_disabled", "Signups not allowed for this instance")
    primary = person.primary
    email = accounts.valid_email(primary.address) if primary is not None else ""
    if email not in {"", *person.verified} and await accounts.find_holder_of_email(connection, email) is not None:
        # Nobody vouches for the address and somebody else has it: nothing is made, and nothing is linked.
        raise _needs_verification(provider, is_sent=False)
    new = NewUser(id=uuid.uuid4(), email=email, user_metadata=person.identity_data, providers=(provider,))
    await accounts.create(connection, new, adopt=False)
    user = await accounts.lock(connection, new.id)
    identity_id = await _insert_identity(connection, provider, person, user)
    await connection.run([statement("update_providers", user.id)])
    if not email:
        await connection.run([audit.by_user(request, user, "user_signedup", {"provider": provider})])
    elif user.is_confirmed:
        await connection.run([audit.by_user(request, user, "login", {"provider": provider})])
    else:
        await _confirm_or_wait(auth, connection, request, provider, person, user, identity_id)
    return user.id


async def _confirm_or_wait(  # noqa: PLR0913, PLR0917 - as sign_in
    auth: Auth,
    connection: Connection,
    request: Request,
    provider: str,
    person: Person,
    user: User,
    identity_id: str,
) -> None:
    """Confirm the address, or mail it: until then this identity alone may wait in the account."""
    is_vouched_for = user.email.lower() in person.verified
    is_alone = all(item["id"] == identity_id for item in user.identities)
    if not is_vouched_for and not (auth.config.autoconfirm and is_alone):
        await _mail_confirmation(auth, connection, request, user)
        raise Kept(_needs_verification(provider, is_sent=True))
    await connection.run(
        [
            statement("drop_password", user.id),
            statement("delete_other_identities", user.id, identity_id),
            statement("delete_factors_of_user", user.id),
            statement("log_out", user.id),
            statement("replace_user_metadata", user.id, person.identity_data),
            statement("update_providers", user.id),
            audit.by_user(request, user, "user_signedup", {"provider": provider}),
            *accounts.confirm_statements(user.id),
        ]
    )


async def _take_old_ways_away(connection: Connection, user: User, identity_id: str) -> None:
    await connection.run(
        [
            *accounts.password_statements(user.id, ""),
            statement("clear_pending", user.id),
            statement("delete_unproved_identities", user.id, identity_id),
            statement("delete_factors_of_user", user.id),
        ]
    )


async def _adopt_address(  # noqa: PLR0913, PLR0917 - as sign_in
    auth: Auth, connection: Connection, request: Request, provider: str, person: Person, user: User
) -> None:
    """Give a user without an address, such as an anonymous one, the person's."""
    primary = person.primary
    if primary is None:
        return
    email = accounts.valid_email(primary.address)
    if await accounts.find_holder_of_email(connection, email, user.id) is not None:
        raise email_exists()
    await connection.run([statement("set_email", user.id, email), statement("update_providers", user.id)])
    if not primary.is_verified:
        await _mail_confirmation(auth, connection, request, await accounts.lock(connection, user.id))
        message = f"Unverified email with {provider}. A confirmation email has been sent to your {provider} email"
        raise Kept(ApiError(422, "email_not_confirmed", message))
    await connection.run([*accounts.confirm_statements(user.id), statement("not_anonymous", user.id)])


async def _mail_confirmation(auth: Auth, connection: Connection, request: Request, user: User) -> None:
    links.check_interval(auth.config, user.sent_at("confirmation_sent_at"))
    record = audit.by_user(request, user, "user_confirmation_requested")
    await connection.run([record])
    await links.send(auth, connection, Errand(kind=CONFIRMATION, user=user, redirect_to=auth.config.site_url))


async def _identity(connection: Connection, subject: str, provider: str) -> Json | None:
    results = await connection.run([statement("identity_of_provider", subject, provider)])
    found: Json | None = orjson.loads(results[0].rows[0][0] or b"null") if results[0].rows else None
    return found


async def _holder(connection: Connection, person: Person) -> User | None:
    """Find the one user who has an address that the provider vouches for."""
    if not person.verified:
        return None
    results = await connection.run([statement("users_of_addresses", list(person.verified), AUDIENCE)])
    found = [user_of(orjson.loads(row[0] or b"{}")) for row in results[0].rows]
    if len(found) > 1:
        raise unexpected("Multiple accounts with the same email address in the same linking domain detected: default")
    return found[0] if found else None


async def _add_identity(connection: Connection, request: Request, provider: str, person: Person, user: User) -> str:
    identity_id = await _insert_identity(connection, provider, person, user)
    traits = {"identity_id": identity_id, "provider": provider, "provider_id": person.subject}
    await connection.run([audit.by_user(request, user, "identity_linked", traits)])
    return identity_id


async def _insert_identity(connection: Connection, provider: str, person: Person, user: User) -> str:
    insert = statement("insert_provider_identity", person.subject, user.id, person.identity_data, provider)
    try:
        results = await connection.run([insert])
    except DatabaseError as error:
        if error.sqlstate == accounts.UNIQUE_VIOLATION:
            raise ApiError(422, "identity_already_exists", "Identity is already linked to another user") from error
        raise
    return (results[0].one()[0] or b"").decode()


def _is_proved(user: User) -> bool:
    """Whether somebody proved to have the user's address: by a mail, or at a provider that vouches for it."""
    return any(
        item["email"] == user.email.lower() and (item["identity_data"] or {}).get("email_verified") is True
        for item in user.identities
    )


def _needs_verification(provider: str, *, is_sent: bool) -> ApiError:
    how = (
        f"A confirmation email has been sent to your {provider} email"
        if is_sent
        else f"Verify the email with {provider} in order to sign in"
    )
    return ApiError(422, "provider_email_needs_verification", f"Unverified email with {provider}. {how}")

"""Passwords: how strong they must be, and hashing away from the event loop."""

import asyncio
import secrets

from freehold.platform.credentials import passwords
from freehold.runtime.auth.config import AuthConfig
from freehold.runtime.auth.errors import ApiError, invalid


def check_strength(config: AuthConfig, password: str) -> None:
    """Raise 422 weak_password with all reasons, or 400 above bcrypt's 72 bytes."""
    if len(password.encode()) > passwords.BCRYPT_MAXIMUM_BYTES:
        raise invalid(f"Password cannot be longer than {passwords.BCRYPT_MAXIMUM_BYTES} characters")
    weak = weakness(config, password)
    if weak is not None:
        raise weak


def weakness(config: AuthConfig, password: str) -> ApiError | None:
    """Say what makes a password weak; None when nothing does."""
    messages: dict[str, str] = {}
    if len(password.encode()) < config.password_length:
        messages["length"] = f"Password should be at least {config.password_length} characters."
    if any(not set(each) & set(password) for each in config.password_sets):
        wanted = ", ".join(config.password_sets)
        messages["characters"] = f"Password should contain at least one character of each: {wanted}."
    if not messages:
        return None
    return ApiError(422, "weak_password", " ".join(messages.values()), weak_reasons=tuple(messages))


async def hashed(password: str) -> str:
    """Hash in a thread; "" for no password."""
    return await asyncio.to_thread(passwords.hash_password, password) if password else ""


async def matches(stored: str, password: str) -> bool:
    """Compare in a thread; a hash nobody can verify matches nothing."""
    try:
        return await asyncio.to_thread(passwords.verify_password, stored, password)
    except passwords.UnusableHash:
        return False


async def waste_the_time_of_a_comparison(password: str) -> None:
    """Take as long as a comparison, so that the answer does not tell whether there is such a user."""
    await asyncio.to_thread(lambda: passwords.verify_password(passwords.stand_in_hash(), password))


def random_password() -> str:
    """Make a password nobody knows, which fulfils any requirement."""
    return secrets.token_urlsafe(40) + "aA1!"

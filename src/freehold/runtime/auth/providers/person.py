"""Who a provider says somebody is: pure readings of claims, shaped as GoTrue stores them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from freehold.runtime.auth.http import Json

PERSONAL_MICROSOFT = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of Microsoft's personal accounts, whose addresses Microsoft has verified itself."""
_PROFILE = (
    "name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture",
    "website", "gender", "birthdate", "zoneinfo", "locale",
)  # fmt: skip
_LONGEST_SUBJECT = 255


@dataclass(frozen=True, kw_only=True)
class Email:
    """An address of a person; `is_verified` only when the provider vouches for it."""

    address: str
    is_verified: bool
    is_primary: bool = True


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody at a provider. `claims` become identity_data and user metadata."""

    subject: str
    emails: tuple[Email, ...]
    claims: Json

    @property
    def primary(self) -> Email | None:
        """The address that stands for the person: the primary one, else the last."""
        return next((item for item in self.emails if item.is_primary), self.emails[-1] if self.emails else None)

    @property
    def verified(self) -> tuple[str, ...]:
        """Addresses that the provider vouches for, in lower case."""
        return tuple(item.address.lower() for item in self.emails if item.is_verified)

    @property
    def identity_data(self) -> Json:
        """What is stored with the identity: the claims with the primary address."""
        primary = self.primary
        found: Json = {
            name: value for name, value in self.claims.items() if value is not None and value not in ("", {})
        }
        if primary is not None:
            found["email"] = primary.address
        found["email_verified"] = primary is not None and primary.is_verified
        found["phone_verified"] = False
        return found | {"sub": self.subject}


def read_claims(provider: str, claims: Mapping[str, object], *, is_one_tenant: bool = False) -> Person:
    """Read verified ID token claims of a provider. `is_one_tenant`: Microsoft tokens come from the owner's tenant."""
    if provider == "google":
        return _google(claims)
    if provider == "apple":
        return _apple(claims)
    if provider == "azure":
        return _azure(claims, is_one_tenant=is_one_tenant)
    return _generic(claims)


def read_github(host: str, user: Mapping[str, object], emails: object) -> Person:
    """Read GitHub's /user and /user/emails."""
    number, name, login, avatar = (user.get(key) for key in ("id", "name", "login", "avatar_url"))
    subject = str(number) if isinstance(number, int) and not isinstance(number, bool) else ""
    claims = {
        "iss": host,
        "name": name,
        "preferred_username": login,
        "avatar_url": avatar,
        "full_name": name,
        "provider_id": subject,
        "user_name": login,
    }
    return Person(subject=subject, emails=_github_emails(emails), claims=claims)


def with_name(person: Person, name: str) -> Person:
    """Add the name that Apple sends beside the token, at the first sign-in only."""
    return replace(person, claims=person.claims | {"name": name, "full_name": name}) if name else person


def subject_of(claims: Mapping[str, object]) -> str:
    """Give `sub`, "" when it is no usable text."""
    subject = claims.get("sub")
    return subject if isinstance(subject, str) and 0 < len(subject) <= _LONGEST_SUBJECT else ""


def _google(claims: Mapping[str, object]) -> Person:
    name, picture = claims.get("name"), claims.get("picture")
    found = _common(claims) | {"name": name, "picture": picture, "avatar_url": picture, "full_name": name}
    if claims.get("hd"):
        found["custom_claims"] = {"hd": claims["hd"]}
    is_verified = _is_true(claims.get("email_verified")) or _is_true(claims.get("verified_email"))
    return Person(subject=subject_of(claims), emails=_emails(claims, is_verified=is_verified), claims=found)


def _apple(claims: Mapping[str, object]) -> Person:
    """Apple vouches for every address it names; the flag may be the text "false" for old work accounts."""
    custom = {name: claims[name] for name in ("auth_time", "transfer_sub") if claims.get(name)}
    if "is_private_email" in claims:
        custom["is_private_email"] = _is_true(claims["is_private_email"])
    is_verified = _is_true(claims.get("email_verified", True))
    emails = _emails(claims, is_verified=is_verified)
    return Person(subject=subject_of(claims), emails=emails, claims=_common(claims) | {"custom_claims": custom})


def _azure(claims: Mapping[str, object], *, is_one_tenant: bool) -> Person:
    """Any tenant may put any address into a token: without xms_edov only one's own and Microsoft's own are believed."""
    owner_verified = claims.get("xms_edov")
    if owner_verified is None:
        is_verified = is_one_tenant or claims.get("tid") == PERSONAL_MICROSOFT
    else:
        is_verified = _is_true(owner_verified)
    found = _common(claims) | {
        "preferred_username": claims.get("preferred_username"),
        "full_name": claims.get("name"),
        "name": claims.get("name"),
        "custom_claims": {name: claims[name] for name in ("email", "tid", "oid", "xms_edov") if name in claims},
    }
    return Person(subject=subject_of(claims), emails=_emails(claims, is_verified=is_verified), claims=found)


def _generic(claims: Mapping[str, object]) -> Person:
    found = _common(claims) | {name: claims[name] for name in _PROFILE if isinstance(claims.get(name), str)}
    found |= {"full_name": found.get("name"), "avatar_url": found.get("picture")}
    is_verified = _is_true(claims.get("email_verified"))
    return Person(subject=subject_of(claims), emails=_emails(claims, is_verified=is_verified), claims=found)


def _common(claims: Mapping[str, object]) -> Json:
    return {"iss": claims.get("iss"), "provider_id": subject_of(claims)}


def _emails(claims: Mapping[str, object], *, is_verified: bool) -> tuple[Email, ...]:
    address = claims.get("email")
    return (Email(address=address, is_verified=is_verified),) if isinstance(address, str) and address else ()


def _is_true(value: object) -> bool:
    """Providers write flags as true, "true", 1 or "1"."""
    return value is True or (isinstance(value, str | int) and str(value).lower() in {"true", "1"})


def _github_emails(emails: object) -> tuple[Email, ...]:
    rows = [item for item in emails if isinstance(item, dict)] if isinstance(emails, list) else []
    return tuple(
        Email(
            address=str(item["email"]),
            is_verified=item.get("verified") is True,
            is_primary=item.get("primary") is True,
        )
        for item in rows
        if item.get("email")
    )

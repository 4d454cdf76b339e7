"""The Supabase project an app was made against: its address, its published key, and every place that names them."""

import re
from collections import Counter
from collections.abc import Iterable

from freehold.builders.shared import keys
from freehold.builders.shared.checkout import Checkout, lines
from freehold.core.inventory import BackendAddress, Place, PublishedKey
from freehold.kit import dotenv

TEXT_SUFFIXES = (
    ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".vue", ".svelte", ".html", ".json", ".toml", ".sql", ".yml",
    ".yaml", ".css", ".txt", ".xml", ".webmanifest", ".env", ".conf",
)  # fmt: skip
_ADDRESS = re.compile(r"\b([a-z]{20})\.(?:functions\.|storage\.)?supabase\.(?:co|in|red)\b")
_PROJECT_ID = re.compile(r'^\s*project_id\s*=\s*"([a-z]{20})"', re.MULTILINE)
_REF = re.compile(r"^[a-z]{20}$")
_DOMAIN = re.compile(r"^https://(?!localhost\b|127\.)[\w.-]+(?::\d+)?$")
_URL_NAME = re.compile(r"SUPABASE_(?:PROJECT_)?(?:API_)?URL$")
_KEY_NAME = re.compile(r"SUPABASE_(?:PUBLISHABLE|ANON)(?:_PUBLIC)?(?:_DEFAULT)?(?:_KEY)?$|SUPABASE_(?:PUBLIC_)?KEY$")
_REF_NAME = re.compile(r"SUPABASE_(?:PROJECT_(?:ID|REF)|REF)$")
_BUILDERS_OWN = frozenset({"qtrypzzcjebvfcihiynt"})
"""Projects of builders' platforms, which keep files of all their apps: nobody's own back end."""
_LOCK_FILES = ("package-lock.json", "npm-shrinkwrap.json")


def backends(checkout: Checkout, names: Iterable[str], prefixes: tuple[str, ...]) -> tuple[BackendAddress, ...]:
    """Give the app's own project first, then others that its code names.

    Its own is the one in supabase/config.toml, else in the .env files, else the one that is named most often. `names`
    are the names that code reads from its environment; those with one of the prefixes are baked in at build time.
    """
    places, count = _places(checkout)
    values = environment_values(checkout)
    own = _own_ref(checkout, values, count)
    if not own and not any(_URL_NAME.search(name) for name in names):
        return ()
    baked = {name for name in {*names, *values} if name.startswith(prefixes)}
    published = published_keys(checkout)
    first = BackendAddress(
        url=_own_domain(values) or (f"https://{own}.supabase.co" if own else ""),
        project_ref=own,
        publishable_key=_key_of(own, values, published),
        places=tuple(places.get(own, ())),
        url_names=tuple(sorted(name for name in baked if _URL_NAME.search(name))),
        key_names=tuple(sorted(name for name in baked if _is_key_name(name, values))),
        ref_names=tuple(sorted(name for name in baked if _REF_NAME.search(name))),
    )
    others = [
        BackendAddress(url=f"https://{ref}.supabase.co", project_ref=ref, places=tuple(places[ref]))
        for ref in sorted(places)
        if ref != own
    ]
    return (first, *others)


def published_keys(checkout: Checkout) -> tuple[PublishedKey, ...]:
    """List the API keys in the app's text files; only the public ones with their value."""
    found: dict[tuple[str, str], list[Place]] = {}
    for path in _texts(checkout):
        text = checkout.text(path)
        if "eyJ" not in text and "sb_" not in text:
            continue
        index = lines(text)
        for match in keys.KEY.finditer(text):
            role = keys.role_of(match[0])
            if role:
                found.setdefault((role, match[0]), []).append(index.place(path, match.start()))
    return tuple(
        PublishedKey(role=role, value=value if keys.is_public(role) else "", places=tuple(places))
        for (role, value), places in sorted(found.items())
    )


def environment_values(checkout: Checkout) -> dict[str, str]:
    """Give the values of the app's .env files; those for production win, local ones and examples do not count."""
    values: dict[str, str] = {}
    for name in (".env", ".env.local", ".env.production", ".env.production.local"):
        for folder in ("", "frontend/", "client/", "web/", "app/"):
            if folder + name in checkout.known:
                values |= dotenv.parse(checkout.text(folder + name))
    return values


def _places(checkout: Checkout) -> tuple[dict[str, list[Place]], Counter[str]]:
    places: dict[str, list[Place]] = {}
    count: Counter[str] = Counter()
    for path in _texts(checkout):
        text = checkout.text(path)
        if "supabase." not in text and "project_id" not in text:
            continue
        index = lines(text)
        patterns = (_ADDRESS, _PROJECT_ID) if path.endswith("config.toml") else (_ADDRESS,)
        for match in (match for pattern in patterns for match in pattern.finditer(text)):
            if match[1] in _BUILDERS_OWN:
                continue
            places.setdefault(match[1], []).append(index.place(path, match.start(1)))
            count[match[1]] += 1
    return places, count


def _texts(checkout: Checkout) -> tuple[str, ...]:
    return tuple(
        path
        for path in checkout.files
        if (path.endswith(TEXT_SUFFIXES) or path.rsplit("/", 1)[-1].startswith(".env"))
        and not path.endswith(_LOCK_FILES)
    )


def _own_ref(checkout: Checkout, values: dict[str, str], count: Counter[str]) -> str:
    configured = _PROJECT_ID.search(checkout.text("supabase/config.toml"))
    in_environment = [match[1] for value in values.values() if (match := _ADDRESS.search(value))]
    named = [value for name, value in values.items() if _REF_NAME.search(name) and _REF.match(value)]
    candidates = [*in_environment, *named, *([configured[1]] if configured else [])]
    if candidates:
        return candidates[0]
    return count.most_common(1)[0][0] if count else ""


def _own_domain(values: dict[str, str]) -> str:
    """Give an address that is neither the builder's usual one nor one for development, "" if there is none."""
    urls = (value.rstrip("/") for name, value in sorted(values.items()) if _URL_NAME.search(name))
    return next((url for url in urls if _DOMAIN.match(url) and not _ADDRESS.search(url)), "")


def _key_of(ref: str, values: dict[str, str], published: tuple[PublishedKey, ...]) -> str:
    public = [key.value for key in published if key.value]
    mine = [value for value in values.values() if keys.is_public(keys.role_of(value))]
    of_project = [key for key in (*mine, *public) if keys.claims(key).get("ref") == ref]
    return next(iter((*of_project, *mine, *public)), "")


def _is_key_name(name: str, values: dict[str, str]) -> bool:
    return bool(_KEY_NAME.search(name)) or keys.is_public(keys.role_of(values.get(name, "")))

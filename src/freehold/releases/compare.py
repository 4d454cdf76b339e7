"""What is different between two releases: what somebody wants to know before going from one to the other."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from freehold.core.release import Manifest, Release


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Names that are only in the newer, only in the older, or in both with another value (older, newer)."""

    added: dict[str, str] = field(default_factory=dict)
    removed: dict[str, str] = field(default_factory=dict)
    changed: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.added or self.removed or self.changed)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two releases, section by section."""

    older: int
    newer: int
    same: bool
    """Whether nothing at all differs."""
    sections: dict[str, Difference]
    """By name: code, dependencies, environment, secrets, functions, schema, policies, configuration, runtime."""
    bundle_bytes: tuple[int, int]
    """Size of all served files in each."""
    largest: dict[str, int] = field(default_factory=dict)
    """Kinds of files whose size changed, by how many bytes; hashes in names are left out."""


def compare(older: tuple[Release, Manifest], newer: tuple[Release, Manifest]) -> Comparison:
    """Compare two releases."""
    (one, was), (two, now) = older, newer
    schema = difference(was.schema, now.schema)
    sections = {
        "code": difference(was.code, now.code),
        "dependencies": difference(was.dependencies, now.dependencies),
        "environment": difference(was.environment, now.environment),
        "secrets": difference(one.secrets, two.secrets),
        "functions": difference(was.functions, now.functions),
        "schema": _only(schema, access=False),
        "policies": _only(schema, access=True),
        "configuration": difference(flat(one.config), flat(two.config)),
        "runtime": difference({"runtime": one.runtime}, {"runtime": two.runtime}),
    }
    sizes = (sum(was.files.values()), sum(now.files.values()))
    return Comparison(
        older=one.number,
        newer=two.number,
        same=one.artifact == two.artifact and not any(sections.values()),
        sections=sections,
        bundle_bytes=sizes,
        largest=_sizes(was.files, now.files),
    )


def document(comparison: Comparison) -> dict[str, object]:
    """A comparison as JSON."""
    return asdict(comparison)


def difference(was: Mapping[str, str], now: Mapping[str, str]) -> Difference:
    """Compare two tables."""
    return Difference(
        added={name: now[name] for name in sorted(now.keys() - was.keys())},
        removed={name: was[name] for name in sorted(was.keys() - now.keys())},
        changed={name: (was[name], now[name]) for name in sorted(was.keys() & now.keys()) if was[name] != now[name]},
    )


def flat(value: object, path: str = "") -> dict[str, str]:
    """A nested snapshot as one table: auth.external.google.enabled."""
    if isinstance(value, dict) and value:
        return {key: text for name, item in value.items() for key, text in flat(item, f"{path}{name}.").items()}
    if isinstance(value, list) and value:
        return {key: text for name, item in enumerate(value) for key, text in flat(item, f"{path}{name}.").items()}
    return {path.rstrip("."): str(value)}


def _only(schema: Difference, *, access: bool) -> Difference:
    def wanted(name: str) -> bool:
        is_access = name.split(" ", 1)[0] in {"policy", "grant", "default"}
        return is_access == access

    return Difference(
        added={name: text for name, text in schema.added.items() if wanted(name)},
        removed={name: text for name, text in schema.removed.items() if wanted(name)},
        changed={name: pair for name, pair in schema.changed.items() if wanted(name)},
    )


def _sizes(was: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    def total(files: Mapping[str, int]) -> dict[str, int]:
        kinds: dict[str, int] = {}
        for name, size in files.items():
            kind = name.rpartition(".")[2] if "." in name.rsplit("/", 1)[-1] else "other"
            kinds[kind] = kinds.get(kind, 0) + size
        return kinds

    before, after = total(was), total(now)
    changes = {kind: after.get(kind, 0) - before.get(kind, 0) for kind in sorted(before.keys() | after.keys())}
    return {kind: change for kind, change in changes.items() if change}

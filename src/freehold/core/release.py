"""What is served: code, configuration, secrets and schema as one thing."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Release:
    """Artifact digest, config snapshot, secret version ids, schema revision with a window, runtime version."""

    id: str
    number: int
    artifact: str
    """SHA-256 of the canonical file list, in hex."""
    config: dict[str, str]
    secrets: dict[str, str]
    """Secret names and the ids of their versions; never values."""
    schema_revision: str
    created_at: str
    """RFC 3339, UTC."""
    runtime: str

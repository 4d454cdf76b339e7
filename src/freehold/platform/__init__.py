"""What a plain PostgreSQL lacks, as versioned SQL, and the credential formats that others share."""

from freehold.platform.install import install, missing_extensions, owner_role
from freehold.platform.logins import Logins

__all__ = ["Logins", "install", "missing_extensions", "owner_role"]

"""What a plain PostgreSQL lacks, as versioned SQL, and the credential formats that others share."""

from freehold.platform.install import install, is_current, missing_extensions, open_to_server, owner_role
from freehold.platform.logins import Logins

__all__ = ["Logins", "install", "is_current", "missing_extensions", "open_to_server", "owner_role"]

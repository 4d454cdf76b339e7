"""Small apps with a git history, replayed."""

import os
import subprocess
from pathlib import Path

from freehold.core.inventory import Inventory, MigrationFile
from freehold.core.secret import Secret
from freehold.data import schema
from freehold.data.schema import Replay
from freehold.testing.database import FreshDatabase

FOLDER = "supabase/migrations"


class History:
    """A checkout whose commits a test writes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        environment = {
            **os.environ,
            "GIT_AUTHOR_NAME": "t",
            "GIT_AUTHOR_EMAIL": "t@example.org",
            "GIT_COMMITTER_NAME": "t",
            "GIT_COMMITTER_EMAIL": "t@example.org",
            "GIT_CONFIG_GLOBAL": "/dev/null",
        }
        result = subprocess.run(
            ["git", *arguments], cwd=self.root, env=environment, check=True, capture_output=True, text=True
        )
        return result.stdout

    def commit(self, **files: str | None) -> None:
        """Write files of the migrations folder by name without `.sql`; None removes one."""
        for name, text in files.items():
            self.write(f"{FOLDER}/{name.lstrip('_')}.sql", text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "change")

    def write(self, path: str, text: str | None) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            file.unlink()
        else:
            file.write_text(text)


def inventory(root: Path, **more: object) -> Inventory:
    files = sorted((root / FOLDER).glob("[0-9]*_*.sql"))
    migrations = tuple(
        MigrationFile(path=f"{FOLDER}/{file.name}", version=file.name.split("_")[0], sql=file.read_text())
        for file in files
    )
    return Inventory(builder="lovable", generation="vite", migrations=migrations, **more)


def replay(root: Path, database: FreshDatabase) -> Replay:
    return schema.replay(
        root,
        inventory(root),
        owner_dsn=Secret(database.owner_dsn),
        admin_dsn=Secret(database.superuser_dsn),
        report=lambda _event: None,
    )


def folder(root: Path, **files: str) -> Path:
    """Make a checkout without git."""
    for name, text in files.items():
        file = root / FOLDER / f"{name.lstrip('_')}.sql"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root

"""Where Django's migrations stand in a built server."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_FILE = re.compile(r"(?:.*/)?(?P<package>[^/]+)/migrations/(?P<name>[0-9A-Za-z_]\w*)\.py")


@dataclass(frozen=True, kw_only=True)
class File:
    """One migration; its name is unique in an app, such as shop.0002_price."""

    name: str
    text: str
    is_apps: bool
    """Whether it stands in the app's own code; else a package has brought it."""

    @property
    def label(self) -> str:
        """The package whose tables it makes."""
        return self.name.partition(".")[0]


def found(folders: Iterable[tuple[Path, Iterable[str], bool]]) -> tuple[File, ...]:
    """List the migrations among files of folders, each folder with whether it holds the app's own code, by name."""
    listed: dict[str, File] = {}
    for folder, names, is_apps in folders:
        for path in names:
            match = _FILE.fullmatch(path)
            if match is not None and match["name"] != "__init__":
                name = f"{match['package']}.{PurePosixPath(path).stem}"
                text = (folder / path).read_text(encoding="utf-8", errors="replace")
                listed.setdefault(name, File(name=name, text=text, is_apps=is_apps))
    return tuple(listed[name] for name in sorted(listed))

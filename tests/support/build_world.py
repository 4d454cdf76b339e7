"""Small things that tests of real builds need."""

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from freehold.kit import programs


def npm_reaches_its_registry() -> bool:
    """Ask npm for one version number."""
    node = programs.node()
    asked = subprocess.run(
        [*node.npm, "view", "react@18.3.1", "version"],
        env={**os.environ, "PATH": node.search_path()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return asked.stdout.strip() == "18.3.1"


def pip_reaches_its_index() -> bool:
    """Fetch one small wheel."""
    with tempfile.TemporaryDirectory() as folder:
        argv = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, "sqlparse==0.5.3"]
        return not subprocess.run(argv, capture_output=True, timeout=120, check=False).returncode


WRITE = "require('fs').writeFileSync('index.js', 'export const word = \"written at install\";')"


def install_script_package(path: Path, script: str = WRITE) -> None:
    """Write a package named scripted, whose code is made by its install script."""
    files = {
        "package.json": json.dumps(
            {"name": "scripted", "version": "1.0.0", "main": "index.js", "scripts": {"postinstall": "node make.cjs"}}
        ),
        "make.cjs": script,
    }
    with tarfile.open(path, "w:gz") as archive:
        for file, text in files.items():
            entry = tarfile.TarInfo(f"package/{file}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))


def status(root: Path) -> str:
    """What git says has changed, ignored files left out."""
    return subprocess.run(["git", "status", "--porcelain"], cwd=root, check=True, capture_output=True, text=True).stdout

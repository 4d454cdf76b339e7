"""Every dependency has a sentence in the decision record, and every import a dependency."""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROVIDED = {"argon2": "argon2-cffi", "python_multipart": "python-multipart", "ast_grep_py": "ast-grep-py"}
"""Modules whose distribution has another name."""


def _dependencies() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {re.split(r"[\[><=]", item)[0] for item in project["dependencies"]}


def test_every_dependency_stands_in_the_decision_record() -> None:
    record = (ROOT / "docs/decisions/0006-dependencies.md").read_text()
    assert [name for name in sorted(_dependencies()) if name not in record] == []


def test_every_imported_module_is_a_declared_dependency() -> None:
    files = [path for path in (ROOT / "src").rglob("*.py") if "testing" not in path.parts]  # for tests, with pytest
    sources = "\n".join(path.read_text() for path in files)
    modules = set(re.findall(r"(?m)^\s*(?:from|import) ([A-Za-z_][A-Za-z0-9_]*)", sources))
    others = modules - sys.stdlib_module_names - {"freehold"}
    declared = {PROVIDED.get(name, name) for name in others} & _dependencies()
    assert sorted(name for name in others if PROVIDED.get(name, name) not in declared and _is_import(name)) == []


def _is_import(name: str) -> bool:
    """Prose in docstrings may begin a line with "from"; such a word is no installed module."""
    return name.isidentifier() and any((Path(folder) / name).exists() for folder in sys.path if folder)


def test_every_lock_file_names_no_registry() -> None:
    for path in (*ROOT.glob("locks/*.txt"), *ROOT.rglob("package-lock.json")):
        if "node_modules" not in path.parts and ".venv" not in path.parts:
            text = path.read_text()
            assert "--index-url" not in text, path
            assert not re.search(r'"resolved": *"https?:', text), path

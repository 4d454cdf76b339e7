"""Holes of packages are told where the app meets them, and nowhere else."""

import json

import pytest

from freehold.audit.facts import AppFacts
from freehold.audit.holes import HOLES
from freehold.audit.rules import known_vulnerability

MIDDLEWARE = {
    "middleware.ts": "export default auth;\n",
    "app/page.tsx": "export default Page;\n",
    "next.config.mjs": "",
}


class Texts:
    """An app's files, in memory."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(sorted(self._texts))

    def text(self, path: str) -> str:
        return self._texts.get(path, "")


def told(package: str, version: str, files: dict[str, str]) -> list[str]:
    texts = {"package.json": json.dumps({"dependencies": {package: version}}), **files}
    facts = AppFacts(files=Texts(texts), inventory=None, closure=lambda _path: ())
    return [finding.title.split(": ")[0].split(" has ")[1] for finding in known_vulnerability.check(facts)]


@pytest.mark.parametrize(
    ("version", "numbers"),
    [
        ("12.3.4", ["CVE-2025-29927"]),
        ("14.2.25", ["CVE-2026-44578"]),
        ("15.0.4", ["CVE-2025-29927", "CVE-2025-66478", "CVE-2026-44578"]),
        ("15.0.5", ["CVE-2025-29927", "CVE-2026-44578"]),
        ("15.5.6", ["CVE-2025-66478", "CVE-2026-44575", "CVE-2026-44578"]),
        ("15.5.18", []),
        ("16.0.6", ["CVE-2025-66478", "CVE-2026-44575", "CVE-2026-44578"]),
        ("16.2.6", []),
    ],
)
def test_the_versions_of_next_are_those_of_the_advisories(version: str, numbers: list[str]) -> None:
    assert told("next", version, MIDDLEWARE) == numbers


def test_what_the_hole_needs_must_be_there() -> None:
    assert told("next", "14.2.5", {}) == []
    assert told("next", "14.2.5", {"next.config.js": "module.exports = { output: 'export' };\n"} | MIDDLEWARE) == []
    reads = 'import * as XLSX from "xlsx";\nexport const rows = XLSX.read(file);\n'
    assert told("xlsx", "^0.18.5", {"src/in.ts": reads}) == ["CVE-2023-30533"]
    assert told("xlsx", "^0.18.5", {"src/out.ts": reads.replace("read(", "writeFile(")}) == []
    checks = 'import jwt from "jsonwebtoken";\nexport const who = (token) => jwt.verify(token, key);\n'
    assert told("jsonwebtoken", "8.5.1", {"server/a.ts": checks}) == ["CVE-2022-23540"]
    named = checks.replace("key)", '{ algorithms: ["HS256"] })')
    assert told("jsonwebtoken", "8.5.1", {"server/a.ts": named}) == []


def test_two_packages_with_one_hole_are_one_finding() -> None:
    other = {f"web/{path}": text for path, text in MIDDLEWARE.items()}
    texts = MIDDLEWARE | other | {"web/package.json": json.dumps({"dependencies": {"next": "14.2.25"}})}
    assert told("next", "14.2.25", texts) == ["CVE-2026-44578"]


def test_every_range_ends_after_it_begins() -> None:
    assert [hole.number for hole in HOLES if not hole.since < hole.fixed] == []

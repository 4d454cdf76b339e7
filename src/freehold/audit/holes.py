"""Published holes of packages that apps of the builders use, as their advisories say in November 2026.

Each entry says when a hole matters: most need a part of the package that many apps never touch.
"""

import re
from dataclasses import dataclass

from freehold.core.finding import Severity

Version = tuple[int, int, int]
_MIDDLEWARE = re.compile(r"(^|/)(?:src/)?(?:middleware|proxy)\.[jt]s$")
_APP_ROUTER = re.compile(r"(^|/)(?:src/)?app/(?:.*/)?(?:page|route|layout)\.[jt]sx?$")
_SERVED = re.compile(r"(^|/)next\.config\.(?:js|mjs|ts)$")
_EXPORTS_FILES_ONLY = re.compile(r"""\boutput\s*:\s*["']export["']""")


@dataclass(frozen=True, kw_only=True)
class Hole:
    """Versions from `since` up to, and without, `fixed`."""

    package: str
    since: Version
    fixed: Version
    number: str
    what: str
    severity: Severity
    used: re.Pattern[str] | None = None
    """How code that imports the package meets the hole; None when having the package is enough."""
    files: tuple[re.Pattern[str], ...] = ()
    """Files that the app must have, beside the same package.json."""
    unless: re.Pattern[str] | None = None
    """What next.config says where the hole is not met."""
    install: str = ""
    """How to mend it where the registry has no fixed version."""


def _next(since: Version, fixed: Version, number: str, what: str, *files: re.Pattern[str]) -> Hole:
    return Hole(
        package="next", since=since, fixed=fixed, number=number, what=what, severity="high", files=files,
        unless=_EXPORTS_FILES_ONLY,
    )  # fmt: skip


_PASSED = "passes over middleware, sign-in checks included"
_RUNS = "lets anybody run code on the server"
_FETCHES = "lets anybody make the server ask addresses inside your network"
HOLES: tuple[Hole, ...] = (
    _next((11, 1, 4), (12, 3, 5), "CVE-2025-29927", _PASSED, _MIDDLEWARE),
    _next((13, 0, 0), (13, 5, 9), "CVE-2025-29927", _PASSED, _MIDDLEWARE),
    _next((14, 0, 0), (14, 2, 25), "CVE-2025-29927", _PASSED, _MIDDLEWARE),
    _next((15, 0, 0), (15, 2, 3), "CVE-2025-29927", _PASSED, _MIDDLEWARE),
    *(
        _next((15, minor, 0), (15, minor, patch), "CVE-2025-66478", _RUNS, _APP_ROUTER)
        for minor, patch in enumerate((5, 9, 6, 6, 8, 7))
    ),
    _next((16, 0, 0), (16, 0, 7), "CVE-2025-66478", _RUNS, _APP_ROUTER),
    _next((15, 2, 3), (15, 5, 16), "CVE-2026-44575", _PASSED, _MIDDLEWARE, _APP_ROUTER),
    _next((16, 0, 0), (16, 2, 5), "CVE-2026-44575", _PASSED, _MIDDLEWARE, _APP_ROUTER),
    _next((13, 4, 13), (15, 5, 16), "CVE-2026-44578", _FETCHES, _SERVED),
    _next((16, 0, 0), (16, 2, 5), "CVE-2026-44578", _FETCHES, _SERVED),
    Hole(
        package="jsonwebtoken", since=(0, 0, 0), fixed=(9, 0, 0), number="CVE-2022-23540", severity="medium",
        what="may take unsigned tokens where verify() names no algorithms",
        used=re.compile(r"\bverify\s*\((?![^;]{0,200}\balgorithms\b)"),
    ),
    Hole(
        package="xlsx", since=(0, 0, 0), fixed=(0, 19, 3), number="CVE-2023-30533", severity="medium",
        what="a crafted file that is read changes the program's objects",
        used=re.compile(r"\.read(?:File|FileSync)?\s*\(|(?<![\w.])read(?:File|FileSync)?\s*\("),
        install="npm install https://cdn.sheetjs.com/xlsx-0.20.3/xlsx-0.20.3.tgz",
    ),
    Hole(
        package="jspdf", since=(0, 0, 0), fixed=(3, 0, 2), number="CVE-2025-57810", severity="low",
        what="a crafted image keeps the program busy",
        used=re.compile(r"\.(?:addImage|html|addSvgAsImage)\s*\("),
    ),
    Hole(
        package="vm2", since=(0, 0, 0), fixed=(3, 11, 2), number="CVE-2026-44008", severity="high",
        what="lets programs out of the sandbox",
    ),
    Hole(
        package="multer", since=(0, 0, 0), fixed=(2, 0, 0), number="CVE-2025-47935", severity="medium",
        what="uploads that break off exhaust the server", used=re.compile(r"\bmulter\b"),
    ),
)  # fmt: skip

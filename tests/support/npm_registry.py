"""A registry of npm packages that are made up: what each version wants, and how many days it has been there."""

import base64
import contextlib
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from loopback import Quiet, serving

Versions = Mapping[str, tuple[int, Mapping[str, str]]]
"""A version's age in days, and its dependencies."""


@contextlib.contextmanager
def npm_registry(packages: Mapping[str, Versions]) -> Iterator[str]:
    """Serve them on loopback; gives the registry's address."""

    class Handler(Quiet):
        def do_GET(self) -> None:  # noqa: N802 - the library's name
            name, _, rest = self.path.strip("/").partition("/-/")
            known = packages.get(name)
            if known is None:
                return self.answer(404, b"{}")
            version = rest.removesuffix(".tgz")
            if rest:
                return self.answer(200, _tarball(name, version, known[version][1]))
            return self.answer(200, json.dumps(_described(name, known, f"http://{self.headers['host']}")).encode())

    with serving(Handler) as url:
        yield f"{url}/"


def _described(name: str, versions: Versions, address: str) -> dict[str, object]:
    now = datetime.now(UTC)
    return {
        "name": name,
        "dist-tags": {"latest": list(versions)[-1]},
        "time": {version: (now - timedelta(days=age)).isoformat() for version, (age, _) in versions.items()},
        "versions": {
            version: {
                "name": name,
                "version": version,
                "dependencies": dict(wants),
                "dist": {
                    "tarball": f"{address}/{name}/-/{version}.tgz",
                    "integrity": "sha512-"
                    + base64.b64encode(hashlib.sha512(_tarball(name, version, wants)).digest()).decode(),
                },
            }
            for version, (_, wants) in versions.items()
        },
    }


def _tarball(name: str, version: str, wants: Mapping[str, str]) -> bytes:
    described = {"name": name, "version": version, "type": "module", "main": "index.js", "dependencies": dict(wants)}
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, text in (("package.json", json.dumps(described)), ("index.js", f"export default '{version}';")):
            entry = tarfile.TarInfo(f"package/{path}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return gzip.compress(held.getvalue(), mtime=0)  # its digest is told before, maybe in another second

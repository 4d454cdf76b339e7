"""Where settings come from: a file, the environment, files that they point to, and the database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import orjson

from freehold.core.errors import BadUsage
from freehold.runtime.rest.cache.load import Database
from freehold.runtime.rest.cache.model import Name
from freehold.runtime.rest.sql.snippet import qualified
from freehold.runtime.rest.standalone import configfile, options
from freehold.runtime.rest.standalone.options import Options

_POINTING = ("db-uri", "jwt-secret")
"""Settings whose value may be `@` and the name of a file that holds it."""
_PRE_CONFIG = """
  union
  select null, x, pg_catalog.current_setting(x, true) from pg_catalog.unnest($1::text[]) x, {function}() _
"""


@dataclass(frozen=True)
class Sources:
    """Where one server's settings come from; read again when it is told to reload."""

    path: Path | None
    environment: Mapping[str, str]
    _streams: dict[Path, bytes] = field(default_factory=dict, repr=False)
    """What came from pipes and standard input, which can be read once only."""

    def read(self, database: Mapping[str, str] | None = None) -> Options:
        """Read file and environment, with the database's settings over them; raises BadUsage."""
        file = {} if self.path is None else configfile.parse(self._contents(self.path), str(self.path))
        variables = {name: text for name, text in self.environment.items() if name.startswith("PGRST_")}
        for name in _POINTING:
            variable = "PGRST_" + name.replace("-", "_").upper()
            if variable in variables:
                variables[variable] = self._pointed_to(name, variables[variable])
            if name in file:
                file[name] = self._pointed_to(name, file[name])
        return options.resolve(file, variables, database or {})

    def _contents(self, path: Path) -> str:
        try:
            return self._bytes(path).decode()
        except (OSError, UnicodeDecodeError) as error:
            raise BadUsage(f"the configuration file {path} cannot be read", detail=str(error)) from error

    def _pointed_to(self, name: str, text: str) -> str:
        if not text.startswith("@"):
            return text
        try:
            # A secret may be any bytes; the way back is identity's.
            content = self._bytes(Path(text[1:])).decode("utf-8", "surrogateescape")
        except OSError as error:
            raise BadUsage(f"the file that {name} points to cannot be read", detail=str(error)) from error
        return content.strip() if name == "db-uri" else content.removesuffix("\n")

    def _bytes(self, path: Path) -> bytes:
        if path in self._streams:
            return self._streams[path]
        content = path.read_bytes()
        if not path.is_file():
            self._streams[path] = content
        return content


async def of_database(database: Database, pre_config: tuple[str, ...]) -> dict[str, str]:
    """Read the login role's `pgrst.*` settings, without their prefix.

    Those made for the role in this database win over those for the role, and these over what the function `pre_config`
    sets. Raises DatabaseError or ConnectionLost.
    """
    text = resources.files(__package__).joinpath("database_settings.sql").read_text()
    function = ""
    if pre_config:
        *schema, name = pre_config
        function = _PRE_CONFIG.format(function=qualified(Name(schema[0] if schema else "", name)))
    names = "{" + ",".join(options.database_names()) + "}"
    (result,) = await database.run([(text.replace("-- pre-config", function), (names.encode(),))])
    return dict(orjson.loads(row[0] or b"[]") for row in result.rows)


def of_process(environment: Mapping[str, str], path: Path | None) -> Sources:
    """Give this process's sources."""
    return Sources(path, environment)

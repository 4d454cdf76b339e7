"""Talk to PostgreSQL from the tool: one synchronous connection, and connection strings that stay secret."""

import contextlib
from collections.abc import Iterator, Mapping

import psycopg
from psycopg import conninfo

from freehold.core.errors import DatabaseUnavailable
from freehold.core.secret import Secret

CONNECT_TIMEOUT_SECONDS = 10
SAME_TEXTS = (
    "-c timezone=UTC -c datestyle=ISO,YMD -c intervalstyle=postgres -c extra_float_digits=3 -c bytea_output=hex"
    " -c search_path= -c row_security=off -c client_encoding=UTF8"
)
"""Settings of a session in which equal values have equal texts, whatever the server, its roles and databases say."""
Connection = psycopg.Connection
_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
}


@contextlib.contextmanager
def connect(dsn: Secret) -> Iterator[Connection]:
    """Connect with autocommit on, and close at the end. Raises DatabaseUnavailable without the password."""
    try:
        connection = psycopg.connect(
            with_defaults(dsn.reveal(), connect_timeout=str(CONNECT_TIMEOUT_SECONDS), application_name="freehold"),
            autocommit=True,
        )
    except (psycopg.OperationalError, psycopg.ProgrammingError) as error:
        raise DatabaseUnavailable(
            f"cannot connect to PostgreSQL at {describe(dsn)}",
            detail=_without_password(str(error), dsn),
            hint="check that the server runs and that the address, user and password are right",
        ) from None
    with contextlib.closing(connection):
        yield connection


def answers(dsn: Secret) -> bool:
    """Whether this login is let in."""
    try:
        with connect(dsn):
            return True
    except DatabaseUnavailable:
        return False


def parameters(dsn: Secret) -> dict[str, str]:
    """Take a connection string apart; the result holds the password."""
    return {name: str(value) for name, value in conninfo.conninfo_to_dict(dsn.reveal()).items() if value is not None}


def compose(parameters: Mapping[str, str]) -> str:
    """Put a connection string together from libpq's own names."""
    return conninfo.make_conninfo(**parameters)


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """Address and login as PostgreSQL's own programs take them: on a command line everybody would see the password."""
    return {_VARIABLES[name]: value for name, value in given.items() if name in _VARIABLES}


def with_login(dsn: str, user: str, password: str) -> str:
    """The same database for another login."""
    return conninfo.make_conninfo(dsn, user=user, password=password)


def with_database(dsn: str, name: str) -> str:
    """The same server and login for another database."""
    return conninfo.make_conninfo(dsn, dbname=name)


def with_defaults(dsn: str, **values: str) -> str:
    """Add parameters that the connection string does not set itself."""
    given: Mapping[str, object] = conninfo.conninfo_to_dict(dsn)
    return conninfo.make_conninfo(dsn, **{name: value for name, value in values.items() if name not in given})


def describe(dsn: Secret) -> str:
    """Host, port and database of a connection string, for messages; never the password."""
    try:
        given = parameters(dsn)
    except psycopg.ProgrammingError:
        return "an address that cannot be read"
    return f"{given.get('host', 'localhost')}:{given.get('port', '5432')}/{given.get('dbname', '')}"


def _without_password(text: str, dsn: Secret) -> str:
    try:
        password = parameters(dsn).get("password")
    except psycopg.ProgrammingError:
        return ""
    return text.replace(password, "…") if password else text

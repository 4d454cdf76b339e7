"""The database of a served app: the embedded PostgreSQL, or the owner's own after a look at it."""

from freehold.core.errors import DatabaseUnfit
from freehold.core.secret import Secret
from freehold.flows.up_work import Database, Work
from freehold.kit import postgres, postgres_data, programs
from freehold.kit.postgres_server import Cluster

OLDEST_MAJOR = 15
NEEDED_EXTENSIONS = ("pgcrypto", "uuid-ossp", "pg_trgm", "citext", "unaccent")
EMBEDDED_DATABASE = "postgres"


def start_embedded(work: Work) -> None:
    """Start the place's own cluster; raises DatabaseUnavailable."""
    folder = work.place.postgres
    cluster = Cluster(folder, programs.postgres(major=postgres_data.major_of(folder)))
    address = cluster.start()
    work.stop_database = cluster.stop
    work.start_database = cluster.start
    work.database_alive = cluster.is_running
    work.database = Database(
        admin_dsn=address.dsn,
        described=f"{address.host}:{address.port}/{EMBEDDED_DATABASE}",
    )


def connect_own(work: Work, url: Secret) -> None:
    """Look at the owner's PostgreSQL before anything is changed; raises DatabaseUnavailable or DatabaseUnfit."""
    with postgres.connect(url) as connection:
        major = connection.info.server_version // 10000
        if major < OLDEST_MAJOR:
            raise DatabaseUnfit(
                f"your PostgreSQL is {major}; {OLDEST_MAJOR} or newer is needed",
                hint="upgrade it, or leave out --database-url for the embedded one",
            )
        missing = _missing_extensions(connection)
        if missing:
            raise DatabaseUnfit(
                "your PostgreSQL lacks extensions that every app gets",
                detail=", ".join(missing),
                hint="install the contrib package of your PostgreSQL (postgresql-contrib)",
            )
        info = connection.info
        described = f"{info.host}:{info.port}/{info.dbname}"
    work.database = Database(admin_dsn=url, described=described)


def _missing_extensions(connection: postgres.Connection) -> list[str]:
    rows = connection.execute("select name from pg_available_extensions where name = any(%s)", [[*NEEDED_EXTENSIONS]])
    found = {str(row[0]) for row in rows}
    return [name for name in NEEDED_EXTENSIONS if name not in found]

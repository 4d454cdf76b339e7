"""`freehold serve rest` in the place of the `postgrest` program."""

import asyncio
import base64
import json
import signal
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import nested
import psycopg
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from loopback import held_port
from psycopg import sql
from rest_world import ANN, FAR_FUTURE, SCHEMA, SECRET, signed
from stand_in import StandIn, environment_of, run, stand_in, until

from freehold.testing.database import FreshDatabase

Admin = psycopg.Connection[Any]
NAPPING = "select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"


@pytest.fixture
def admin(database: FreshDatabase) -> Any:
    with psycopg.connect(database.owner_dsn, autocommit=True) as owner:
        owner.execute(SCHEMA)
        owner.execute("create function public.setting(name text) returns text language sql stable as "
                      "$$ select current_setting($1, true) $$")  # fmt: skip
        owner.execute("create function public.nap(seconds float) returns text language plpgsql as "
                      "$$ begin perform pg_sleep(seconds); return 'rested'; end $$")  # fmt: skip
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def set_in_database(database: FreshDatabase, admin: Admin) -> Callable[..., None]:
    def change(**settings: str) -> None:
        for name, value in settings.items():
            admin.execute(
                sql.SQL("alter role authenticator in database {} set {} = {}").format(
                    sql.Identifier(database.name), sql.SQL("pgrst." + name), sql.Literal(value)
                )
            )

    return change


@pytest.mark.usefixtures("admin")
async def test_it_serves_from_the_environment_alone_and_from_a_file(database: FreshDatabase, tmp_path: Path) -> None:
    config = tmp_path / "rest.conf"
    config.write_text('db-max-rows = 2\nserver-trace-header = "X-Request-Id"\napp.settings.colour = "blue"\n')
    async with stand_in(database.rest_dsn, tmp_path, config=config, app_settings_shape="round") as server:
        rows = await server.ask("nobody", "/readings?select=id", headers={"x-request-id": "abc"})
        assert (rows.status, rows.json) == (200, [{"id": 1}, {"id": 2}])
        assert rows.headers["x-request-id"] == "abc"
        assert rows.headers["server"].startswith("freehold/")
        assert (await server.ask("nobody", "/rpc/setting?name=app.settings.colour")).json == "blue"
        assert (await server.ask("nobody", "/rpc/setting?name=app.settings.shape")).json == "round"
        own = await server.ask("ann", "/projects?select=title&order=id")
        assert own.json == [{"title": "Site"}, {"title": "Shop"}]


async def test_the_admin_server_tells_how_it_is(admin: Admin, database: FreshDatabase, tmp_path: Path) -> None:
    async with stand_in(database.rest_dsn, tmp_path) as server:
        await server.ask("ann", "/projects")
        assert (await server.admin("/live")).status == 200
        assert (await server.admin("/ready")).status == 200
        assert (await server.admin("/elsewhere")).status == 404
        tables = (await server.admin("/schema_cache")).json["tables"]
        assert "projects" in {table["name"] for table in tables}
        config = (await server.admin("/config")).body.decode()
        assert 'db-anon-role = "anon"' in config
        assert SECRET not in config
        assert psycopg.conninfo.conninfo_to_dict(database.rest_dsn)["password"] not in config
        metrics = (await server.admin("/metrics")).body.decode()
        assert 'pgrst_schema_cache_loads_total{status="SUCCESS"} 1.0' in metrics
        assert "pgrst_db_pool_max 10.0" in metrics
        assert "pgrst_jwt_cache_requests_total 1.0" in metrics
        names = admin.execute("select distinct application_name from pg_stat_activity where usename = 'authenticator' "
                              "and datname = current_database()").fetchall()  # fmt: skip
        assert [name.split()[0] for (name,) in names] == ["freehold"]


@pytest.mark.usefixtures("admin")
async def test_settings_in_the_database_count_and_change_with_a_notify(
    database: FreshDatabase, admin: Admin, tmp_path: Path, set_in_database: Callable[..., None]
) -> None:
    set_in_database(db_max_rows="3", jwt_role_claim_key=".app.role", db_pool="99", wat="1")
    async with stand_in(database.rest_dsn, tmp_path, db_max_rows=1, log_level="warn") as server:
        assert len((await server.ask("nobody", "/readings")).json) == 3
        token = signed(app={"role": "authenticated"}, sub=ANN)
        assert len((await server.ask(token, "/projects")).json) == 2
        assert "pgrst.db_pool cannot be set in the database" in server.log()
        assert "pgrst.wat is not known" in server.log()
        set_in_database(db_max_rows="2", jwt_role_claim_key=".role")
        admin.execute("notify pgrst, 'reload config'")
        await server.until_answer("nobody", "/readings", lambda answer: len(answer.json) == 2)
        assert len((await server.ask("ann", "/projects")).json) == 2
        set_in_database(db_tx_end="perhaps")
        admin.execute("notify pgrst, 'reload config'")
        await until(lambda: "db-tx-end" in server.log())
        assert len((await server.ask("nobody", "/readings")).json) == 2


@pytest.mark.usefixtures("admin")
def test_a_function_may_give_the_settings_and_the_role_goes_over_it(
    database: FreshDatabase, admin: Admin, set_in_database: Callable[..., None]
) -> None:
    admin.execute("create function public.pre_config() returns void language sql as $$"
                  "select set_config('pgrst.db_max_rows', '7', true), "
                  "set_config('pgrst.db_schemas', 'a', true) $$")  # fmt: skip
    set_in_database(db_schemas="b")
    ended = run("--dump-config", environment=environment_of(database.rest_dsn, db_pre_config="public.pre_config"))
    assert ended.returncode == 0, ended.stderr
    assert "db-max-rows = 7\n" in ended.stdout
    assert 'db-schemas = "b"\n' in ended.stdout
    assert SECRET not in ended.stdout
    shown = run("--dump-config", "--with-secrets", environment=environment_of(database.rest_dsn))
    assert f'jwt-secret = "{SECRET}"' in shown.stdout


async def test_settings_in_the_database_that_cannot_be_used_keep_the_door_shut(
    database: FreshDatabase, set_in_database: Callable[..., None], tmp_path: Path
) -> None:
    set_in_database(jwt_secret="short")
    async with stand_in(database.rest_dsn, tmp_path, wait=False) as server:
        await until(lambda: "jwt-secret cannot be used" in server.log())
        assert (await server.ask("nobody", "/readings")).status == 503
        assert (await server.admin("/ready")).status == 503
        assert (await server.admin("/live")).status == 200


@pytest.mark.parametrize("kind", ["base64", "jwk", "jwks", "rsa"])
@pytest.mark.usefixtures("admin")
async def test_tokens_are_verified_by_any_kind_of_key(database: FreshDatabase, tmp_path: Path, kind: str) -> None:
    settings, key, algorithm = _secret(kind)
    token = jwt.encode({"alg": algorithm}, {"role": "authenticated", "sub": ANN, "exp": FAR_FUTURE}, key)
    async with stand_in(database.rest_dsn, tmp_path, **settings) as server:
        assert len((await server.ask(token, "/projects")).json) == 2
        forged = jwt.encode({"alg": "HS256"}, {"role": "service_role"}, OctKey.import_key(SECRET))
        for refused in (forged, *nested.tokens()):
            assert (await server.ask(refused, "/projects")).json["code"] == "PGRST301"


def _secret(kind: str) -> tuple[dict[str, str], Any, str]:
    raw = bytes(range(120, 170))
    if kind == "base64":
        secret = base64.urlsafe_b64encode(raw).decode()
        return {"jwt_secret": secret, "jwt_secret_is_base64": "true"}, OctKey.import_key(raw), "HS256"
    if kind == "jwk":
        key = OctKey.import_key(raw)
        return {"jwt_secret": json.dumps(key.as_dict())}, key, "HS256"
    if kind == "rsa":
        private = RSAKey.generate_key(2048)
        return {"jwt_secret": json.dumps(private.as_dict(private=False))}, private, "RS256"
    curve = ECKey.generate_key("P-256", {"kid": "one"})
    listed = {"keys": [RSAKey.generate_key(2048).as_dict(private=False), curve.as_dict(private=False)]}
    return {"jwt_secret": json.dumps(listed)}, curve, "ES256"


@pytest.mark.usefixtures("admin")
async def test_without_an_anonymous_role_and_for_another_audience_nobody_comes_in(
    database: FreshDatabase, tmp_path: Path
) -> None:
    async with stand_in(database.rest_dsn, tmp_path, db_anon_role="", jwt_aud="this-app") as server:
        assert (await server.ask("nobody", "/readings")).json["code"] == "PGRST302"
        other = await server.ask(signed(role="authenticated", sub=ANN, aud="another"), "/projects")
        assert (other.status, other.json["message"]) == (401, "JWT not in audience")
        assert (
            await server.ask(signed(role="authenticated", sub=ANN, aud=["x", "this-app"]), "/projects")
        ).status == 200


@pytest.mark.usefixtures("admin")
async def test_cross_origin_timing_and_proxy_settings_hold(database: FreshDatabase, tmp_path: Path) -> None:
    settings = {
        "server_cors_allowed_origins": "https://a.example, https://b.example",
        "server_timing_enabled": "true",
        "openapi_server_proxy_uri": "https://api.example:8443/base",
    }
    async with stand_in(database.rest_dsn, tmp_path, **settings) as server:
        friend = await server.ask("nobody", "/readings?limit=1", headers={"origin": "https://b.example"})
        assert friend.headers["access-control-allow-origin"] == "https://b.example"
        assert "transaction;dur=" in friend.headers["server-timing"]
        stranger = await server.ask("nobody", "/readings?limit=1", headers={"origin": "https://c.example"})
        assert "access-control-allow-origin" not in stranger.headers
        document = (await server.ask("service", "/")).json
        assert (document["host"], document["basePath"]) == ("api.example:8443", "/base")


@pytest.mark.usefixtures("admin")
async def test_it_listens_on_a_unix_socket_with_its_mode(database: FreshDatabase, tmp_path: Path) -> None:
    path = tmp_path / "rest.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    settings = {"server_unix_socket": path, "server_unix_socket_mode": "600"}
    async with stand_in(database.rest_dsn, tmp_path, **settings) as server:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        connector = aiohttp.UnixConnector(str(path))
        async with aiohttp.ClientSession(connector=connector) as http, http.get("http://x/readings?limit=1") as answer:
            assert answer.status == 200
        path.unlink()
        assert (await server.admin("/live")).status == 500


@pytest.mark.usefixtures("admin")
async def test_signals_make_it_read_files_again(database: FreshDatabase, tmp_path: Path) -> None:
    config = tmp_path / "rest.conf"
    config.write_text('app.settings.who = "John"\n')
    async with stand_in(database.rest_dsn, tmp_path, config=config) as server:
        assert (await server.ask("nobody", "/rpc/setting?name=app.settings.who")).json == "John"
        config.write_text('app.settings.who = "Jane"\ndb-max-rows = 1\n')
        server.signal(signal.SIGUSR2)
        await server.until_answer("nobody", "/rpc/setting?name=app.settings.who", lambda answer: answer.json == "Jane")
        config.write_text("db-max-rowz = 2\n")
        server.signal(signal.SIGUSR1)
        await until(lambda: "db-max-rowz" in server.log())
        assert len((await server.ask("nobody", "/readings")).json) == 1


async def test_what_runs_at_sigterm_is_answered_and_nothing_new_is_taken(
    database: FreshDatabase, admin: Admin, tmp_path: Path
) -> None:
    async with stand_in(database.rest_dsn, tmp_path) as server:
        nap = asyncio.create_task(server.ask("nobody", "/rpc/nap", method="POST", body={"seconds": 1.5}))
        await until(lambda: bool(admin.execute(NAPPING).fetchall()))
        server.signal(signal.SIGTERM)
        await until(lambda: "SIGTERM" in server.log())
        await _until_refused(server)
        assert (await nap).json == "rested"
        assert await server.until_ended() == 0


async def _until_refused(server: StandIn) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                async with aiohttp.ClientSession() as another, another.get(server.url + "/readings?limit=1"):
                    await asyncio.sleep(0.02)
            except aiohttp.ClientError:
                return


@pytest.mark.usefixtures("admin")
async def test_the_log_says_as_much_as_it_is_told_to(database: FreshDatabase, tmp_path: Path) -> None:
    async with stand_in(database.rest_dsn, tmp_path, log_level="warn") as server:
        await server.ask("nobody", "/readings?limit=1")
        await server.ask("ann", "/nowhere%0a%22forged")
        assert (await server.ask("nobody", "/rpc/refuse", method="POST", body={"reason": "why"})).status == 400
    log = server.log()  # of a server that has ended: a line is written after its answer
    assert "GET /readings" not in log
    assert "- - authenticated [" in log
    assert '"GET /nowhere\\x0a' in log
    assert '"POST /rpc/refuse HTTP/1.1" 400' in log
    assert SECRET not in log


async def test_no_secret_stands_in_the_process_list(database: FreshDatabase, tmp_path: Path) -> None:
    async with stand_in(database.rest_dsn, tmp_path) as server:
        process = Path(f"/proc/{server.process.pid}/cmdline")
        line = (await asyncio.to_thread(process.read_bytes)).decode()
        assert SECRET not in line
        assert "password" not in line


def test_wrong_settings_end_it_with_words(database: FreshDatabase, tmp_path: Path) -> None:
    config = tmp_path / "rest.conf"
    config.write_text('db-anon-rol = "anon"\n')
    ended = run(str(config), environment=environment_of(database.rest_dsn))
    assert ended.returncode == 2
    assert "db-anon-rol" in ended.stderr
    assert "Did you mean db-anon-role?" in ended.stderr
    wrong = psycopg.conninfo.make_conninfo(database.rest_dsn, password="wrong-password")
    with held_port() as port:
        refused = run(environment=environment_of(wrong, server_port=port))
    assert refused.returncode == 1
    assert "authentication failed" in refused.stderr
    assert "wrong-password" not in refused.stderr
    nonsense = run("--dump-config", environment=environment_of("postgresql://a:hidden@[::", db_config="true"))
    assert nonsense.returncode == 2
    assert "hidden" not in nonsense.stderr


def test_a_dump_without_its_database_says_so() -> None:
    with held_port() as port:
        ended = run("--dump-config", environment=environment_of(f"host=127.0.0.1 port={port} user=x"))
    assert ended.returncode == 0
    assert 'db-anon-role = "anon"' in ended.stdout
    assert "lack those in the database" in ended.stderr


@pytest.mark.usefixtures("admin")
async def test_a_health_check_asks_the_admin_port(database: FreshDatabase, tmp_path: Path) -> None:
    async with stand_in(database.rest_dsn, tmp_path) as server:
        ended = await asyncio.to_thread(run, "--ready", environment=server.environment)
        assert (ended.returncode, ended.stdout.strip()) == (0, f"OK: {server.admin_url}/ready")
    ended = run("--ready", environment=server.environment)
    assert ended.returncode == 1
    schema = run("--dump-schema", environment=server.environment)
    assert "projects" in {table["name"] for table in json.loads(schema.stdout)["tables"]}

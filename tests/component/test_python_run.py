"""An app's own server in Python: confined, served with waitress, watched as Node's is."""

import asyncio
import dataclasses
import json
import os
import signal
import sys
from pathlib import Path

import aiohttp
import pytest
from confined_world import NO_NAMESPACES, skip_where_closed
from python_world import KEY, LIMITS, NOWHERE, served_python
from server_world import text, until

import freehold
from freehold.core.errors import ProcessDied

ECHO = """
def answer(environ, query):
    body = environ["wsgi.input"].read().decode()
    print("asked for", environ["PATH_INFO"], os.environ.get("OWN_SECRET"))
    shown = {name: value for name, value in environ.items() if isinstance(value, str)}
    return json.dumps({"environ": shown, "body": body, "names": sorted(os.environ),
                       "own": os.environ.get("OWN_SECRET"), "site": os.environ.get("SITE_URL")})
"""


async def test_a_request_reaches_the_app_as_the_client_sent_it(tmp_path: Path) -> None:
    async with served_python(tmp_path, ECHO) as world, aiohttp.ClientSession() as http:
        headers = dict.fromkeys(("x-real-ip", "x-freehold-client", "X_Forwarded_For"), "6.6.6.6")
        # The last one is what a proxy of this machine has added: the client that it saw.
        headers["x-forwarded-for"] = "6.6.6.6, 198.51.100.7"
        headers |= {"x-freehold-control": "1", "x_freehold_control": "1", "forwarded": "for=6.6.6.6;host=evil.example"}
        headers |= {"x_freehold_control": "1", "x_freehold_request": "other", "x_forwarded_proto": "https"}
        async with http.patch(world.url + "/a%20b?c=%20d", data="hello", headers=headers) as answer:
            seen = await answer.json(content_type=None)
            request = answer.headers["sb-request-id"]
        await until(lambda: [line for line in world.log() if line["text"].startswith("asked for")])
        line = next(line for line in world.log() if line["text"].startswith("asked for"))
    environ = seen["environ"]
    assert (environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"]) == ("PATCH", "/a b", "c=%20d")
    assert seen["body"] == "hello"
    names = ("REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP")
    assert [environ[name] for name in names] == ["198.51.100.7"] * 3
    assert "6.6.6.6" not in str(environ)
    assert environ["HTTP_HOST"] == f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}" == world.url[len("http://") :]
    assert not any("FREEHOLD" in name for name in environ)
    assert (environ["HTTP_X_FORWARDED_PROTO"], environ["wsgi.url_scheme"]) == ("http", "http")
    assert (line["request"], line["text"], line["level"]) == (request, "asked for /a b [secret]", "info")


async def test_the_app_gets_what_it_reads_and_nothing_else(tmp_path: Path) -> None:
    async with served_python(tmp_path, ECHO) as world, aiohttp.ClientSession() as http:
        seen = json.loads(await text(http, world))
    wanted = {"OWN_SECRET", "SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_URL", "DATABASE_URL", "SECRET_KEY", "SITE_URL"}
    assert wanted <= set(seen["names"])
    refused = {"FREEHOLD_SERVER", "LOVABLE_API_KEY", "SUPABASE_SECRET_KEYS", "PATH", "PGPASSWORD", "DB_PASSWORD"}
    assert refused.isdisjoint(seen["names"])
    assert (seen["own"], seen["site"]) == ("hush-hush-value", world.url)


async def test_what_the_server_knows_stands_in_no_answer_and_no_log(tmp_path: Path) -> None:
    source = """
def answer(environ, query):
    print("it is", os.environ["DATABASE_URL"], os.environ["SECRET_KEY"])
    return os.environ[query["name"]]
"""
    async with served_python(tmp_path, source) as world, aiohttp.ClientSession() as http:
        for name in ("SUPABASE_SERVICE_ROLE_KEY", "DATABASE_URL", "SECRET_KEY"):
            async with http.get(f"{world.url}/?name={name}") as answer:
                assert answer.status == 500, name
        await until(lambda: len([line for line in world.log() if line["text"].startswith("it is")]) == 3)
        logged = str(world.log())
    assert "Qx-password-of-the-server" in NOWHERE.reveal()
    assert "Qx-password-of-the-server" not in logged
    assert KEY.reveal() not in logged


async def test_an_answer_streams(tmp_path: Path) -> None:
    source = """
more = threading.Event()
def answer(environ, query):
    if "more" in query:
        more.set()
        return "told"
    def parts():
        yield b"first"
        more.wait(60)
        yield b"second"
    return parts()
"""
    async with served_python(tmp_path, source) as world, aiohttp.ClientSession() as http, http.get(world.url) as answer:
        assert await answer.content.readany() == b"first", "the app has not given the rest yet"
        assert await text(http, world, "/?more=") == "told"
        assert await answer.content.read() == b"second"


async def test_its_paths_go_to_the_server_and_all_else_is_files(tmp_path: Path) -> None:
    pages = {"index.html": "<h1>app</h1>", "assets/a-1.js": "script", "api/built.json": "built"}
    source = 'def answer(environ, query):\n    return environ["REQUEST_METHOD"] + " " + environ["PATH_INFO"]\n'
    paths = {"paths": ("/api/", "/feed.xml")}
    html = {"accept": "text/html"}
    async with served_python(tmp_path, source, pages=pages, server=paths) as world, aiohttp.ClientSession() as http:
        assert await text(http, world, "/api/bookings/7/") == "GET /api/bookings/7/"
        assert await text(http, world, "/api") == "GET /api"
        assert await text(http, world, "/feed.xml") == "GET /feed.xml"
        assert await (await http.delete(world.url + "/api/x")).text() == "DELETE /api/x"
        assert await (await http.options(world.url + "/api/x")).text() == "OPTIONS /api/x"
        assert await text(http, world, "/api/built.json") == "built"
        assert await (await http.get(world.url + "/apiary", headers=html)).text() == "<h1>app</h1>"
        assert await (await http.get(world.url + "/bookings/7", headers=html)).text() == "<h1>app</h1>"
        assert (await http.post(world.url + "/bookings")).status == 405
        assert (await http.get(world.url + "/gone.js")).status == 404
        assert (await http.get(world.url + "/assets/gone.js", headers=html)).status == 404


async def test_a_killed_server_comes_back(tmp_path: Path) -> None:
    source = "begun = time.time_ns()\ndef answer(environ, query):\n    return str(begun)\n"
    async with served_python(tmp_path, source) as world, aiohttp.ClientSession() as http:
        before, pid = await text(http, world), world.pid
        os.kill(pid, signal.SIGKILL)
        await until(lambda: world.pid not in (0, pid))
        assert await text(http, world) not in ("", before)


@pytest.mark.parametrize(
    ("bomb", "reason"),
    [
        ("[time.sleep(3600) for _ in range(8)]", "was not answered in time"),
        ("sum(0 for _ in iter(int, 1))", "was not answered in time"),
        ("pow(7, pow(7, 5000000))", "CPU"),
        ("[bytearray(os.urandom(1 << 20)) for _ in range(1 << 20)]", "memory"),
        ("[threading.Thread(target=time.sleep, args=(3600,)).start() for _ in range(400)]", "threads"),
    ],
    ids=["all threads wait", "all threads loop", "native code loops", "memory", "threads"],
)
async def test_a_server_that_goes_over_a_limit_is_ended_alone_and_comes_back(
    tmp_path: Path, bomb: str, reason: str
) -> None:
    source = f'def answer(environ, query):\n    return str({bomb}) if "bomb" in query else "well"\n'
    limits = dataclasses.replace(LIMITS, answer_seconds=60)
    if "answered" in reason:  # and nothing else may end it before
        limits = dataclasses.replace(LIMITS, answer_seconds=3, cpu_seconds=300, hang_seconds=3)
    pages = {"robots.txt": "robots"}
    async with (
        served_python(tmp_path, source, pages=pages, server_limits=limits) as world,
        aiohttp.ClientSession() as http,
    ):
        before = world.pid
        bombed = [asyncio.create_task(http.get(world.url + "/?bomb=")) for _ in range(8)]
        assert await text(http, world, "/robots.txt") == "robots"
        await until(lambda: world.pid not in (0, before))
        for answer in await asyncio.gather(*bombed):
            assert answer.status in (200, 502, 504), "200 is a thread that was refused to the app itself"
        assert await text(http, world) == "well"
        assert any(reason in line["text"] for line in world.log())


async def test_clients_that_listen_long_do_not_end_it(tmp_path: Path) -> None:
    source = """
more = threading.Event()
def answer(environ, query):
    def parts():
        yield b"first"
        more.wait(60)
        yield b"last"
    return parts()
"""
    limits = dataclasses.replace(LIMITS, answer_seconds=2, hang_seconds=2)
    async with served_python(tmp_path, source, server_limits=limits) as world, aiohttp.ClientSession() as http:
        before = world.pid
        listening = [await http.get(world.url) for _ in range(8)]
        for answer in listening:
            assert await answer.content.readany() == b"first"
        asked = asyncio.create_task(http.get(world.url))
        assert (await asked).status == 504, "eight are all that are answered at once"
        assert world.pid == before
        for answer in listening:
            answer.close()


async def test_one_thread_that_is_lost_ends_it_when_nobody_waits_for_its_answer(tmp_path: Path) -> None:
    source = """
def answer(environ, query):
    while "bomb" in query:
        pass
    return "well"
"""
    limits = dataclasses.replace(LIMITS, answer_seconds=3, cpu_seconds=60)
    async with served_python(tmp_path, source, server_limits=limits) as world, aiohttp.ClientSession() as http:
        before = world.pid
        assert (await http.get(world.url + "/?bomb=")).status == 504
        await until(lambda: world.pid not in (0, before))
        assert await text(http, world) == "well"
        assert any("was not answered in time" in line["text"] for line in world.log())


@pytest.mark.parametrize(
    ("source", "words"),
    [("raise RuntimeError('the oven is cold')\n", "the oven is cold"), ("os._exit(0)\n", "ended while it was loaded")],
    ids=["raises", "ends"],
)
async def test_a_server_that_does_not_start_is_an_error_with_its_last_words(
    tmp_path: Path, source: str, words: str
) -> None:
    with pytest.raises(ProcessDied, match="does not start") as caught:
        async with served_python(tmp_path, source):
            pytest.fail("it must not be served")
    assert words in caught.value.detail


async def test_of_the_files_only_its_own_release_is_there(tmp_path: Path) -> None:
    source = """
def answer(environ, query):
    found = []
    for folder, below, files in os.walk("/", followlinks=False):
        if folder.startswith(("/usr", "/lib", "/etc/ssl", "/etc/pki", "/dev")) or folder == sys.base_prefix + "/lib":
            below.clear()
        elif files or not below:
            found.append(folder)
    return json.dumps([sorted(found), sorted(os.listdir("/freehold/server"))])
"""
    (tmp_path / "another-release.txt").write_text("hush")
    async with served_python(tmp_path, source) as world, aiohttp.ClientSession() as http:
        folders, release = json.loads(await text(http, world))
    expected = ("/etc", "/tmp", "/freehold/server/", "/freehold/own/freehold", "/freehold/media", sys.base_prefix)
    assert [folder for folder in folders if not folder.startswith(expected)] == []
    assert release == ["app", "packages", "serving"]


WHERE_IT_CANNOT_BE_CONFINED = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import freehold
from freehold.core.errors import ProcessDied
import confined_world
from python_world import served_python
confined_world._refusal = lambda: ""  # what is told is tested
async def main():
    async with served_python(Path(sys.argv[2]), "def answer(environ, query):\\n    return 'served'\\n"):
        print("it is served")
try:
    asyncio.run(main())
except ProcessDied as error:
    print(error.message, error.detail, error.hint, sep="\\n")
"""


async def test_where_the_kernel_does_not_confine_it_is_not_served(tmp_path: Path) -> None:
    skip_where_closed()
    support, source = Path(__file__).parents[1] / "support", Path(freehold.__file__).parents[1]
    inner = (sys.executable, "-c", WHERE_IT_CANNOT_BE_CONFINED, str(support), str(tmp_path))
    argv = (sys.executable, "-I", "-S", "-c", NO_NAMESPACES, str(source), *inner)
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    said = (await process.communicate())[0].decode().splitlines()
    assert said[0] == "the app's own server cannot be confined here"
    assert said[1].startswith("this machine allows no user namespaces")
    assert said[2].startswith("echo user.max_user_namespaces=10000 | sudo tee")

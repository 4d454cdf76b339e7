"""An unmodified Django project in its confinement: settings of another place, migrations, sign-in, static files."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType

import aiohttp
import psycopg
import pytest
from python_world import DJANGO, KEY, served_python
from server_world import World
from yarl import URL

from freehold import platform
from freehold.core.secret import Secret
from freehold.runtime.settings import ServerLimits
from freehold.runtime.site.python.inside import django_settings, media
from freehold.testing.database import FreshDatabase

SETTINGS = """
import os
from pathlib import Path
BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "django-insecure-in-the-code"
DEBUG = True
ALLOWED_HOSTS = [".vercel.app"]
SECURE_SSL_REDIRECT = True
INSTALLED_APPS = ["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
                  "django.contrib.sessions", "django.contrib.messages", "django.contrib.staticfiles"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.contrib.sessions.middleware.SessionMiddleware",
              "django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
              "django.contrib.auth.middleware.AuthenticationMiddleware",
              "django.contrib.messages.middleware.MessageMiddleware"]
ROOT_URLCONF = "config.urls"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
    "context_processors": ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
                           "django.contrib.messages.context_processors.messages"]}}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
DEFAULT_FROM_EMAIL = "Seeds <hello@old.example>"
SIMPLE_JWT = {"SIGNING_KEY": SECRET_KEY, "ALGORITHM": "HS256"}
STORAGES = {"default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}
LOGGING = {"version": 1, "disable_existing_loggers": False,
           "handlers": {"file": {"class": "logging.FileHandler", "filename": BASE_DIR / "debug.log"}},
           "root": {"handlers": ["file"], "level": "INFO"}}
STATIC_URL = "static/"
MEDIA_URL = "media/"
USE_TZ = True
"""
URLS = """
import json, logging, os
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import get_user_model, login
from django.contrib.auth.forms import PasswordResetForm
from django.core.files.storage import default_storage
from django.db import connection
from django.http import HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

def shown(request):
    logging.getLogger("mine").info("asked by %s", request.META["REMOTE_ADDR"])
    return JsonResponse({"key": settings.SECRET_KEY[:3], "copy": settings.SIMPLE_JWT["SIGNING_KEY"][:3],
                         "debug": settings.DEBUG, "vendor": connection.vendor, "host": request.get_host(),
                         "address": request.build_absolute_uri("/x"), "user": request.user.username})

@csrf_exempt
def sign_up(request):
    login(request, get_user_model().objects.create_user(json.loads(request.body)["name"]))
    return HttpResponse("welcome")

def forgot(request):
    get_user_model().objects.create_user("dora", "dora@example.org", "a-password-that-is-long")
    form = PasswordResetForm({"email": "dora@example.org"})
    form.is_valid()
    form.save(request=request, email_template_name="registration/password_reset_email.html")
    return HttpResponse("look into your mail")

@csrf_exempt
def upload(request):
    given = request.FILES["file"]
    return JsonResponse({"url": default_storage.url(default_storage.save(given.name, given))})

def private(request, name):
    return HttpResponse("not yours: " + name, status=403)

def link(request):
    os.symlink("/freehold/server/app/config/settings.py", "/freehold/media/link.txt")
    return HttpResponse("linked")

def broken(request):
    raise RuntimeError("the oven is cold")

urlpatterns = [path("admin/", admin.site.urls), path("api/shown/", shown), path("api/sign-up/", sign_up),
               path("api/broken/", broken), path("api/upload/", upload),
               path("api/link/", link), path("media/private/<path:name>", private), path("api/forgot/", forgot),
               path("reset/<uidb64>/<token>/", broken, name="password_reset_confirm")]
"""
MANAGE = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
PROJECT = {
    "config/__init__.py": "",
    "config/settings.py": SETTINGS,
    "config/urls.py": URLS,
    "config/wsgi.py": "import os\nfrom django.core.wsgi import get_wsgi_application\n"
    "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'config.settings')\napplication = get_wsgi_application()\n",
    "manage.py": MANAGE,
}
SERVER = {
    "application": "config.wsgi:application",
    "settings_module": "config.settings",
    "before": (("manage.py", "migrate", "--noinput"),),
    "paths": ("/api/", "/admin/", "/static/", "/media/"),
}
LIMITS = ServerLimits(memory_megabytes=400, boot_seconds=120)


@pytest.fixture
async def world(database: FreshDatabase, tmp_path: Path) -> AsyncIterator[World]:
    with psycopg.connect(database.superuser_dsn, autocommit=True) as admin:
        platform.open_to_server(admin)
    given = {
        "mail_directory": tmp_path / "mail",
        "server": SERVER,
        "server_dsn": Secret(database.server_dsn),
        "server_limits": LIMITS,
    }
    async with served_python(tmp_path, PROJECT, *DJANGO, **given) as found:
        yield found


async def test_an_unmodified_project_is_served(world: World, database: FreshDatabase) -> None:
    own = world.url.removeprefix("http://")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        async with http.get(world.url + "/api/shown/", headers={"host": "evil.example"}) as answer:
            seen = await answer.json()
        key = KEY.reveal()[:3]
        assert seen | {"user": ""} == {
            "key": key, "copy": key, "debug": False, "vendor": "postgresql", "host": own,
            "address": f"http://{own}/x", "user": "",
        }  # fmt: skip
        async with http.get(world.url + "/api/shown", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["location"]) == (301, "/api/shown/")
        async with http.get(world.url + "/api/broken/") as answer:
            assert answer.status == 500
            assert "oven" not in await answer.text()
        async with http.get(world.url + "/admin/login/") as answer:
            page = await answer.text()
        for path in re.findall(r'href="(/static/[^"]+\.css)"', page):
            async with http.get(world.url + path) as answer:
                assert (answer.status, answer.content_type) == (200, "text/css"), path
        assert "/static/admin/css/" in page
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token is not None
        form = {"csrfmiddlewaretoken": token[1], "username": "nobody", "password": "x"}
        async with http.post(world.url + "/admin/login/", data=form, headers={"origin": world.url}) as answer:
            assert answer.status == 200, "the form is not refused as one from elsewhere"
            assert "correct username and password" in await answer.text()
        async with http.post(
            world.url + "/admin/login/", data=form, headers={"origin": "http://evil.example"}
        ) as answer:
            assert answer.status == 403
    texts = [line["text"] for line in world.log()]
    for name in ("SECRET_KEY", "DATABASES", "DEBUG", "LOGGING", "SECURE_SSL_REDIRECT"):
        assert any(text.startswith("Freehold: ") and name in text for text in texts), name
    assert "asked by 127.0.0.1" in texts
    assert any("the oven is cold" in text for text in texts)
    with psycopg.connect(database.superuser_dsn) as admin:
        assert admin.execute("select to_regclass('server.auth_user'), to_regclass('public.auth_user')").fetchone() == (
            "server.auth_user",
            None,
        )
    with psycopg.connect(database.rest_dsn, autocommit=True) as rest:
        for role in ("anon", "authenticated", "service_role"):
            rest.execute(f"set role {role}")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                rest.execute("select password from server.auth_user")
            rest.execute("reset role")


async def test_nobody_ever_sees_another(world: World) -> None:
    async def user(number: int) -> None:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            name = f"user-{number}"
            async with http.post(world.url + "/api/sign-up/", json={"name": name}) as answer:
                assert await answer.text() == "welcome"
            for _ in range(20):
                async with http.get(world.url + "/api/shown/") as answer:
                    assert (await answer.json())["user"] == name

    await asyncio.gather(*(user(number) for number in range(25)))
    async with aiohttp.ClientSession() as http, http.get(world.url + "/api/shown/") as answer:
        assert (await answer.json())["user"] == ""


async def test_a_password_is_reset_by_a_mail_that_goes_the_owners_way(world: World) -> None:
    async with aiohttp.ClientSession() as http, http.get(world.url + "/api/forgot/") as answer:
        assert await answer.text() == "look into your mail"
    (mail,) = (json.loads(path.read_text()) for path in world.settings.mail_directory.glob("*.json"))
    assert (mail["to"], mail["sender_name"]) == ("dora@example.org", "Seeds")
    assert f"{world.url}/reset/" in mail["text"]


def test_files_of_an_app_that_gives_them_no_address_stay_private() -> None:
    module = ModuleType("settings")
    own = {"origin": "https://a.example", "secret_key": "", "owner_key": False, "database": {}}
    django_settings.adapt(module, own)
    assert module.MEDIA_ROOT == media.FOLDER
    assert not hasattr(module, "MEDIA_URL")


async def _upload(http: aiohttp.ClientSession, url: str, name: str, content: bytes) -> str:
    form = aiohttp.FormData()
    form.add_field("file", content, filename=name)
    async with http.post(url + "/api/upload/", data=form) as answer:
        return url + str((await answer.json())["url"])


async def test_uploaded_files_are_kept_and_served_and_run_nothing(world: World, tmp_path: Path) -> None:
    large = bytes(range(256)) * 20_000
    async with aiohttp.ClientSession() as http:
        photo = await _upload(http, world.url, "photo.png", large)
        assert photo == world.url + "/media/photo.png"
        async with http.get(photo) as answer:
            assert (answer.status, answer.content_type, await answer.read()) == (200, "image/png", large)
            modified = answer.headers["last-modified"]
        async with http.get(photo, headers={"if-modified-since": modified}) as answer:
            assert answer.status == 304
        async with http.get(photo, headers={"range": "bytes=1000000-1000009"}) as answer:
            assert (answer.status, await answer.read()) == (206, large[1_000_000:1_000_010])
            assert answer.headers["content-range"] == f"bytes 1000000-1000009/{len(large)}"
        async with http.head(photo) as answer:
            assert (answer.status, answer.headers["content-length"]) == (200, str(len(large)))
        for name in ("bad.svg", "bad.html", "bad.xhtml"):
            async with http.get(await _upload(http, world.url, name, b"<script>alert(1)</script>")) as answer:
                assert "sandbox" in answer.headers["content-security-policy"], name
                assert answer.headers["x-content-type-options"] == "nosniff"
        async with http.get(world.url + "/api/link/") as answer:
            assert await answer.text() == "linked"
        for path in ("", "link.txt", "..%2Fserver/app/manage.py", "%2e%2e/own/", "a%00b", "%ff", "none.png"):
            async with http.get(URL(world.url + "/media/" + path, encoded=True)) as answer:
                assert answer.status == 404, path
        async with http.post(photo) as answer:
            assert answer.status == 405
        async with http.get(world.url + "/media/private/a.png") as answer:
            assert (answer.status, await answer.text()) == (403, "not yours: a.png"), "the app has a view there"
    kept = tmp_path / "state/media/photo.png"
    assert kept.read_bytes() == large
    assert kept.parent.stat().st_mode & 0o077 == 0

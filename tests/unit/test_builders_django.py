"""What is read of a Django project that stands beside an app's pages."""

import json
from pathlib import Path

import pytest
from small_apps import BOLT, write

from freehold.builders.bolt.read import read
from freehold.core.inventory import AppServer, Inventory

MANAGE = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")\n'
DJANGO = {
    "backend/requirements.txt": "Django==5.2\n",
    "backend/manage.py": MANAGE,
    "backend/config/__init__.py": "",
    "backend/config/wsgi.py": MANAGE + "application = get_wsgi_application()\n",
    "backend/config/settings.py": "ROOT_URLCONF = 'config.urls'\nWSGI_APPLICATION = 'config.wsgi.application'\n",
    "backend/config/urls.py": "urlpatterns = [path('admin/', admin.site.urls), path('api/', include('api.urls'))]\n",
}


def _inventory(root: Path, changes: dict[str, str] | None = None) -> Inventory:
    return read(write(root, BOLT | DJANGO | (changes or {})))


def _server(root: Path, changes: dict[str, str] | None = None, *, without: str = "") -> AppServer:
    texts = BOLT | DJANGO | (changes or {})
    (server,) = read(write(root, {path: text for path, text in texts.items() if path != without})).servers
    return server


def test_what_starts_a_project_is_read_from_its_settings(tmp_path: Path) -> None:
    server = _server(tmp_path)
    assert (server.framework, server.root, server.entry) == ("django", "backend", "backend/manage.py")
    assert (server.application, server.settings) == ("config.wsgi:application", "config.settings")
    assert server.requirements == "backend/requirements.txt"
    assert server.paths == ("/admin/", "/api/")
    assert server.routes == 2


def test_the_settings_that_its_wsgi_module_names_are_those_that_serve(tmp_path: Path) -> None:
    server = _server(
        tmp_path,
        {
            "backend/config/settings.py": "",
            "backend/config/settings/__init__.py": "",
            "backend/config/settings/base.py": DJANGO["backend/config/settings.py"]
            + "OURS = ['shop']\nINSTALLED_APPS = ['django.contrib.admin'] + OURS + found()\n",
            "backend/config/settings/live.py": "from .base import *\nINSTALLED_APPS += ['django.contrib.staticfiles']\n"
            "STATIC_URL = 'static/'\n",
            "backend/config/wsgi.py": MANAGE.replace("config.settings", "config.settings.live"),
        },
        without="backend/config/settings.py",
    )
    assert (server.settings, server.application) == ("config.settings.live", "config.wsgi:application")
    assert server.paths == ("/admin/", "/api/", "/static/")


def test_requirements_may_stand_above_the_project(tmp_path: Path) -> None:
    server = _server(tmp_path, {"requirements.txt": "django\n"}, without="backend/requirements.txt")
    assert (server.root, server.requirements) == ("backend", "requirements.txt")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("backend/requirements/production.txt", "-r base.txt\ngunicorn\n"),
        ("backend/pyproject.toml", '[project]\nname = "x"\ndependencies = ["Django>=5", "gunicorn"]\n'),
        ("pyproject.toml", '[project]\nname = "x"\ndependencies = ["django"]\n'),
    ],
)
def test_packages_may_be_asked_for_in_other_files(tmp_path: Path, path: str, text: str) -> None:
    others = {"backend/requirements/base.txt": "Django==5.2\n", path: text}
    server = _server(tmp_path, others if "requirements" in path else {path: text}, without="backend/requirements.txt")
    assert (server.requirements, server.root, server.application) == (path, "backend", "config.wsgi:application")


def test_a_project_whose_packages_stand_nowhere_is_told_and_not_served_without_them(tmp_path: Path) -> None:
    files = (
        BOLT | DJANGO | {"src/lib/supabase.ts": "", "src/App.tsx": "", "backend/Pipfile": "[packages]\ndjango = '*'\n"}
    )
    inventory = read(write(tmp_path, {path: text for path, text in files.items() if "requirements" not in path}))
    (server,) = inventory.servers
    assert (server.framework, server.application) == ("django", "")
    assert "names its packages in no requirements.txt" in inventory.not_served


@pytest.mark.parametrize("gone", ["backend/config/wsgi.py", "backend/manage.py"])
def test_a_project_that_nothing_starts_is_told_and_not_started(tmp_path: Path, gone: str) -> None:
    server = _server(tmp_path, {"backend/config/settings.py": ""}, without=gone)
    assert (server.framework, server.application) == ("django", "")


@pytest.mark.parametrize(
    "written",
    [
        {"routes": [{"src": "/api/(.*)", "dest": "/backend/wsgi.py"}, {"src": "/(.*)", "dest": "/index.html"}]},
        {"rewrites": [{"source": "/api/:path*", "destination": "/backend/config/wsgi.py"}]},
        {"rewrites": [{"source": "/api/:path*", "destination": "/backend/wsgi.py"}], "routes": "none"},
    ],
)
def test_what_the_preview_sends_to_the_server_is_the_servers(tmp_path: Path, written: dict[str, object]) -> None:
    assert _server(tmp_path, {"vercel.json": json.dumps(written)}).paths == ("/api/",)


def test_a_preview_that_sends_everything_to_the_server_tells_nothing(tmp_path: Path) -> None:
    everything = {"routes": [{"src": "/(.*)", "dest": "backend/wsgi.py"}]}
    assert _server(tmp_path, {"vercel.json": json.dumps(everything)}).paths == ("/admin/", "/api/")


@pytest.mark.parametrize(
    ("patterns", "paths"),
    [
        ("path('', include('shop.urls'))", ("/carts/", "/orders/")),
        ("path('', include(('shop.urls', 'shop'), namespace='s'))", ("/carts/", "/orders/")),
        ("re_path(r'^v1/x/$', x), path('health', y), path('<slug:page>/', z)", ("/v1/", "/health")),
        ("re_path(r'^api/(?P<id>\\d+)$', x), re_path(r'^(a|b)/', y)", ("/api/",)),
        ("path('', TemplateView.as_view())", ("/api/",)),
        ("path('', include('config.urls'))", ("/api/",)),
        ("path(PREFIX, x), path(*more", ("/api/",)),
    ],
)
def test_the_first_parts_of_its_urls_are_the_servers(tmp_path: Path, patterns: str, paths: tuple[str, ...]) -> None:
    shop = (
        "router = DefaultRouter()\nrouter.register(r'carts', Carts)\n"
        "urlpatterns = [path('', include(router.urls)), path('orders/', orders)]\n"
    )
    changes = {"backend/config/urls.py": f"urlpatterns = [{patterns}]\n", "backend/shop/urls.py": shop}
    assert _server(tmp_path, changes).paths == paths


def test_a_routers_names_below_a_path_are_not_paths_of_their_own(tmp_path: Path) -> None:
    text = "router.register('pots', Pots)\nurlpatterns = [path('api/', include(router.urls))]\n"
    assert _server(tmp_path, {"backend/config/urls.py": text}).paths == ("/api/",)


def test_an_app_with_such_a_server_alone_is_served_and_nothing_is_unknown_about_it(tmp_path: Path) -> None:
    inventory = _inventory(tmp_path, {"src/lib/supabase.ts": "", "src/App.tsx": ""})
    assert inventory.backend is None
    assert inventory.served
    assert inventory.started_server is not None
    assert [item for item in inventory.unknowns if item.what == "the app's own server"] == []


def test_another_server_beside_it_is_still_not_started(tmp_path: Path) -> None:
    package = json.dumps({"dependencies": {"vite": "6", "express": "4"}})
    inventory = _inventory(
        tmp_path,
        {"src/lib/supabase.ts": "", "package.json": package, "server/index.js": "app.get('/a', f); app.listen(3000);"},
    )
    assert inventory.not_served == "it brings a server of its own (express), which is not started yet"


def test_names_that_only_the_owner_knows_are_its_secrets(tmp_path: Path) -> None:
    text = (
        "import os\nA = os.environ['STRIPE_KEY']\nB = os.getenv('PAGE_SIZE', '10')\nC = os.environ.get('MAIL_TOKEN')\n"
        "D = os.environ['DATABASE_URL']\nE = os.environ.get('DJANGO_SECRET_KEY')\nF = os.getenv('DEBUG')\n"
    )
    inventory = _inventory(tmp_path, {"backend/shop/pay.py": text, "backend/shop/test_pay.py": "os.environ['OTHER']"})
    assert inventory.secrets == ("MAIL_TOKEN", "STRIPE_KEY")


def test_settings_that_packages_read_are_secrets_unless_they_have_a_default(tmp_path: Path) -> None:
    text = (
        "import environ\nfrom decouple import config\nenv = environ.Env()\nA = env('SEND_KEY')\n"
        "B = env.str('SMS_KEY')\nC = env.int('PAGE', default=3)\nD = config('MAP_KEY')\n"
        "E = config('LEVEL', default='x', cast=str)\n"
        "F = env.db('OTHER_URL')\nG = env('SECRET_KEY')\n"
    )
    assert _inventory(tmp_path, {"backend/config/settings.py": text}).secrets == ("MAP_KEY", "SEND_KEY", "SMS_KEY")
    plain = {"backend/config/settings.py": "A = config('MAP_KEY')\n"}
    assert _inventory(tmp_path / "other", plain).secrets == ()


@pytest.mark.parametrize(
    ("settings", "models", "paths"),
    [
        ("", "", ("/api/",)),
        ("", "picture = models.ImageField(upload_to='p')\n", ("/api/", "/media/")),
        ("MEDIA_URL = '/uploads/'\n", "file = models.FileField()\n", ("/api/", "/uploads/")),
        ("MEDIA_URL = 'files/'\nMEDIA_ROOT = BASE_DIR / 'files'\n", "", ("/api/", "/files/")),
        ("MEDIA_URL = 'https://cdn.example/'\nMEDIA_ROOT = x\n", "", ("/api/",)),
    ],
)
def test_files_that_people_send_are_the_servers_as_well(
    tmp_path: Path, settings: str, models: str, paths: tuple[str, ...]
) -> None:
    changes = {
        "backend/config/settings.py": DJANGO["backend/config/settings.py"] + settings,
        "backend/shop/models.py": models,
        "vercel.json": json.dumps({"routes": [{"src": "/api/(.*)", "dest": "/backend/wsgi.py"}]}),
    }
    assert _server(tmp_path, changes).paths == paths

"""What of an app's Django settings belongs to the place it runs at, and not to its code.

The settings module is changed before Django reads it, so that the app's own imports of it see the same. Each change is
said in the log.
"""

import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from freehold.runtime.site.python.inside import media
from freehold.runtime.site.python.inside.wsgi import Application, Environ, StartResponse

Values = dict[str, Any]
INSECURE = "django-insecure-"
STORAGE = "django.contrib.staticfiles.storage.StaticFilesStorage"
_POSTGRESQL = "django.db.backends.postgresql"
_SMTP = "django.core.mail.backends.smtp.EmailBackend"
_MAIL_BACKENDS = (_SMTP, *(f"django.core.mail.backends.{name}.EmailBackend" for name in ("console", "filebased")))
_POSTGRESQL_ENGINES = ("postgresql", "postgis", "psycopg", "timescale")


def adapt(module: ModuleType, setup: Mapping[str, Any]) -> None:
    """Change the module's values; `setup` has origin, database (in Django's names), secret_key and owner_key."""
    values = vars(module)
    _take_address(values, setup["origin"])
    _take_key(values, setup["secret_key"], by_owner=setup["owner_key"])
    _take_database(values, setup["database"])
    _take_mail(values)
    _take_uploads(values)
    _close_debugging(values)
    _keep_files_away(values)


def with_files(application: Application, setup: Mapping[str, Any]) -> Application:
    """Serve Django's static files from where the app's packages have them (the admin's too), and uploaded ones."""
    if not setup["settings_module"]:
        return application
    settings = import_module("django.conf").settings
    found = application
    if settings.MEDIA_ROOT == media.FOLDER and _is_below(settings.MEDIA_URL):
        found = _by_path(settings.MEDIA_URL, _unless_own(application, media.served(settings.MEDIA_URL)), found)
    if "django.contrib.staticfiles" in settings.INSTALLED_APPS and _is_below(settings.STATIC_URL or ""):
        handler = import_module("django.contrib.staticfiles.handlers").StaticFilesHandler
        found = _by_path(settings.STATIC_URL, handler(application), found)
    return found


def _unless_own(application: Application, served: Application) -> Application:
    """Leave addresses to the app that it has a view for: it may ask there who may see a file."""

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        route = _route(environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"))
        # A page for every address there is was not made for files.
        is_own = route not in (None, _route("/freehold/no/such/folder"))
        return (application if is_own else served)(environ, start_response)

    return answer


def _route(path: str) -> str | None:
    urls = import_module("django.urls")
    try:
        return str(urls.resolve(path).route)
    except urls.Resolver404:
        return None


def _is_below(url: str) -> bool:
    """Whether an address is a folder of the app's own address."""
    return url.startswith("/") and url.endswith("/") and len(url) > 1 and not urlsplit(url).netloc


def _by_path(prefix: str, inside: Application, outside: Application) -> Application:
    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        chosen = inside if environ.get("PATH_INFO", "").startswith(prefix) else outside
        return chosen(environ, start_response)

    return answer


def _take_address(values: Values, origin: str) -> None:
    address = urlsplit(origin)
    hosts = list(values.get("ALLOWED_HOSTS") or [])
    name = f"[{address.hostname}]" if ":" in (address.hostname or "") else address.hostname
    if not {"*", name} & set(hosts):
        values["ALLOWED_HOSTS"] = [*hosts, name]
    trusted = list(values.get("CSRF_TRUSTED_ORIGINS") or [])
    if origin not in trusted:
        values["CSRF_TRUSTED_ORIGINS"] = [*trusted, origin]
    if address.scheme == "http" and values.get("SECURE_SSL_REDIRECT", False):
        _say("SECURE_SSL_REDIRECT is off: the app is served by http here")
        values["SECURE_SSL_REDIRECT"] = False


def _take_key(values: Values, key: str, *, by_owner: bool) -> None:
    """A key that stands in code is known to whoever saw the code; one of the owner's own stays."""
    before = values.get("SECRET_KEY", "")
    if before == key or not key or (by_owner and before and not str(before).startswith(INSECURE)):
        return
    _say("SECRET_KEY is one made for this app: the one in its code is no secret")
    for name, value in list(values.items()):
        if name.isupper():
            values[name] = _replaced(value, before, key)
    values["SECRET_KEY"] = key


def _replaced(value: object, before: str, key: str) -> object:
    """Copies of the key stand in other settings, such as those of a package that signs tokens."""
    if isinstance(value, str):
        return key if before and value == before else value
    if type(value) is dict:
        return {name: _replaced(item, before, key) for name, item in value.items()}
    return value


def _take_database(values: Values, database: Mapping[str, str]) -> None:
    databases = dict(values.get("DATABASES") or {})
    default = dict(databases.get("default") or {})
    engine = str(default.get("ENGINE", ""))
    if not any(name in engine for name in _POSTGRESQL_ENGINES):
        _say(f"DATABASES['default'] is PostgreSQL: {engine.rpartition('.')[2] or 'none'} would keep nothing here")
        default = {"ENGINE": _POSTGRESQL, "CONN_MAX_AGE": 60}
    options = {name: value for name, value in dict(default.get("OPTIONS") or {}).items() if not name.startswith("ssl")}
    databases["default"] = default | dict(database) | {"OPTIONS": options}
    values["DATABASES"] = databases


def _take_mail(values: Values) -> None:
    """Mail goes the owner's way, unless the app logs in to a mail server of its own or sends by another service."""
    backend = str(values.get("EMAIL_BACKEND", _SMTP))
    elsewhere = values.get("EMAIL_HOST", "localhost") not in ("", "localhost", "127.0.0.1")
    if backend not in _MAIL_BACKENDS or (backend == _SMTP and elsewhere and values.get("EMAIL_HOST_PASSWORD")):
        return
    if backend != _SMTP or elsewhere:
        _say("EMAIL_BACKEND sends as all of the app's mail is sent: freehold secrets set SMTP_HOST")
    values |= {"EMAIL_BACKEND": _SMTP, "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": 25, "EMAIL_TIMEOUT": 60}
    values |= {"EMAIL_HOST_USER": "", "EMAIL_HOST_PASSWORD": "", "EMAIL_USE_TLS": False, "EMAIL_USE_SSL": False}


def _take_uploads(values: Values) -> None:
    """Files that Django keeps lie in a folder that outlives the release. Without an address they stay private."""
    values["MEDIA_ROOT"] = media.FOLDER
    storages = values.get("STORAGES")
    if isinstance(storages, dict) and storages.get("default", {}).get("BACKEND", "").endswith(".FileSystemStorage"):
        options = {**storages["default"].get("OPTIONS", {}), "location": media.FOLDER}
        values["STORAGES"] = storages | {"default": {**storages["default"], "OPTIONS": options}}


def _close_debugging(values: Values) -> None:
    if values.get("DEBUG", False):
        _say("DEBUG is off: its error pages show everybody the app's settings")
        values["DEBUG"] = False


def _keep_files_away(values: Values) -> None:
    """The release cannot be written: what logs into files prints, and static files need no list made of them."""
    handlers = (values.get("LOGGING") or {}).get("handlers", {})
    for name, handler in handlers.items():
        if isinstance(handler, dict) and "filename" in handler:
            _say(f"LOGGING: {name} prints, a release's folder cannot be written")
            kept = {key: handler[key] for key in ("level", "formatter", "filters") if key in handler}
            handlers[name] = {"class": "logging.StreamHandler", **kept}
    if isinstance(values.get("STORAGES"), dict):
        values["STORAGES"] = values["STORAGES"] | {"staticfiles": {"BACKEND": STORAGE}}
    elif "STATICFILES_STORAGE" in values:
        values["STATICFILES_STORAGE"] = STORAGE


def _say(text: str) -> None:
    sys.stdout.write(f"Freehold: {text}\n")

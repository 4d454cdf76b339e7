"""The smallest Bolt app with a Django server: pages without packages, notes, people who join, and one migration."""

import json
from pathlib import Path

import tiny_app

_WSGI = (
    "import os\nfrom django.core.wsgi import get_wsgi_application\n"
    "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'config.settings')\napplication = get_wsgi_application()\n"
)
MANAGE = (
    "import os, sys\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'config.settings')\n"
    "from django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n"
)
SETTINGS = """import os
from pathlib import Path
BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = os.environ.get('DJANGO_SECRET_KEY', 'django-insecure-tiny')
DEBUG = os.environ.get('DEBUG') == '1'
ALLOWED_HOSTS = ['localhost', '.vercel.app']
INSTALLED_APPS = ['django.contrib.auth', 'django.contrib.contenttypes', 'django.contrib.sessions', 'notes']
MIDDLEWARE = [
    'django.contrib.sessions.middleware.SessionMiddleware',
    'django.contrib.auth.middleware.AuthenticationMiddleware',
]
ROOT_URLCONF = 'config.urls'
WSGI_APPLICATION = 'config.wsgi.application'
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': BASE_DIR / 'db.sqlite3'}}
DEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'
"""
URLS = """import json
from django.contrib.auth import get_user_model, login
from django.db import connection
from django.http import JsonResponse
from django.urls import path
from notes.models import Note

def whoami(request):
    return JsonResponse({'user': request.user.username, 'host': request.get_host(), 'secure': request.is_secure()})

def join(request):
    user, _ = get_user_model().objects.get_or_create(username=json.loads(request.body)['name'])
    login(request, user)
    return whoami(request)

def notes(request):
    if request.method == 'POST':
        Note.objects.create(text=json.loads(request.body)['text'])
    return JsonResponse([note.text for note in Note.objects.order_by('id')], safe=False)

def pots(request):
    with connection.cursor() as cursor:
        cursor.execute('select text from notes order by id')
        return JsonResponse([row[0] for row in cursor.fetchall()], safe=False)

urlpatterns = [path('api/whoami/', whoami), path('api/join/', join), path('api/notes/', notes), path('api/pots/', pots)]
"""
MODELS = "from django.db import models\nclass Note(models.Model):\n    text = models.CharField(max_length=200)\n{more}"
HEAD = "from django.db import migrations, models\nclass Migration(migrations.Migration):\n"
FIRST = (
    f"{HEAD}    initial = True\n    operations = [migrations.CreateModel(name='Note', fields=[\n"
    "        ('id', models.BigAutoField(primary_key=True)), ('text', models.CharField(max_length=200))])]\n"
)
FILES = {
    ".bolt/config.json": '{"template": "bolt-vite-react-ts"}\n',
    "package.json": json.dumps(
        {
            "name": "vite-react-typescript-starter",
            "scripts": {"build": "node build.mjs"},
            "dependencies": {"vite": "file:./nothing"},
        }
    ),
    "nothing/package.json": json.dumps({"name": "vite", "version": "0.0.0"}),
    "build.mjs": tiny_app.FILES["build.mjs"].replace("VITE_SUPABASE_URL", "VITE_API_URL"),
    "vite.config.ts": "export default {};\n",
    "index.html": "<title>tiny</title>\n",
    ".env": "VITE_API_URL=http://localhost:8000/api\n",
    "src/api.ts": "export const base = import.meta.env.VITE_API_URL;\n",
    "vercel.json": json.dumps({"routes": [{"src": "/api/(.*)", "dest": "/backend/config/wsgi.py"}]}),
    "supabase/migrations/20260101000000_a.sql": (
        "create table public.notes (id bigint primary key, text text);\n"
        "insert into public.notes values (1, 'from SQL');\n"
    ),
    "backend/requirements.txt": "Django==5.2.19\n",
    "backend/manage.py": MANAGE,
    "backend/config/__init__.py": "",
    "backend/config/settings.py": SETTINGS,
    "backend/config/wsgi.py": _WSGI,
    "backend/config/urls.py": URLS,
    "backend/notes/__init__.py": "",
    "backend/notes/models.py": MODELS.format(more=""),
    "backend/notes/migrations/__init__.py": "",
    "backend/notes/migrations/0001_initial.py": FIRST,
}


def migration(name: str, before: str, operation: str) -> dict[str, str]:
    """The file of one more migration of the notes, as a change for `write`."""
    depends = f"    dependencies = [('notes', '{before}')]\n"
    return {f"backend/notes/migrations/{name}.py": f"{HEAD}{depends}    operations = [{operation}]\n"}


def write(root: Path, **changes: str) -> Path:
    """Write the app into a folder; `changes` maps a path to its text."""
    for path, text in {**FILES, **changes}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def write_server(root: Path) -> None:
    """Write the server alone, beside the pages of another app."""
    for path, text in FILES.items():
        if path.startswith(("backend/", "vercel.json")):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)

import json

from django.contrib.auth import authenticate, get_user_model, login, logout
from django.http import JsonResponse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from .models import Seed, Tip

User = get_user_model()


def _body(request):
    try:
        return json.loads(request.body or '{}')
    except ValueError:
        return {}


def _error(text, status=400):
    return JsonResponse({'error': text}, status=status)


def _who(request):
    return JsonResponse({'user': request.user.email if request.user.is_authenticated else None})


@require_GET
@ensure_csrf_cookie
def session(request):
    return _who(request)


@require_POST
def sign_up(request):
    given = _body(request)
    email, password = str(given.get('email', '')).lower(), str(given.get('password', ''))
    if '@' not in email or len(password) < 8:
        return _error('Give an email address and a password of at least 8 characters')
    if User.objects.filter(username=email).exists():
        return _error('This address has an account already')
    login(request, User.objects.create_user(username=email, email=email, password=password))
    return _who(request)


@require_POST
def sign_in(request):
    given = _body(request)
    user = authenticate(request, username=str(given.get('email', '')).lower(), password=given.get('password', ''))
    if user is None:
        return _error('Wrong email or password', 401)
    login(request, user)
    return _who(request)


@require_POST
def sign_out(request):
    logout(request)
    return _who(request)


@require_GET
def tips(request):
    return JsonResponse(list(Tip.objects.order_by('id').values('id', 'text')), safe=False)


def _shown(seed):
    return {'id': seed.id, 'name': seed.name, 'packets': seed.packets}


@require_http_methods(['GET', 'POST'])
def seeds(request):
    if not request.user.is_authenticated:
        return _error('Sign in first', 401)
    if request.method == 'GET':
        return JsonResponse([_shown(seed) for seed in request.user.seeds.all()], safe=False)
    given = _body(request)
    made = request.user.seeds.create(name=str(given.get('name', ''))[:100], packets=int(given.get('packets', 1)))
    return JsonResponse(_shown(made), status=201)


@require_http_methods(['DELETE'])
def seed(request, seed_id):
    if not request.user.is_authenticated:
        return _error('Sign in first', 401)
    gone, _ = Seed.objects.filter(owner=request.user, id=seed_id).delete()
    return JsonResponse({'gone': bool(gone)}, status=200 if gone else 404)

"""What the app's own server finds in its environment, and what its process may touch."""

import json
from collections.abc import Mapping
from pathlib import Path

from freehold.runtime.settings import ServerLimits, ServerSettings, Settings
from freehold.runtime.workers import surroundings
from freehold.runtime.workers.program import Bounds, Program, relay_in, socket_in

PRELOAD = Path(__file__).with_name("preload.cjs")
_SERVICE_NAMES = ("SUPABASE_SERVICE_KEY", "SERVICE_ROLE_KEY", "SUPABASE_SERVICE_ROLE", "SUPABASE_SECRET_KEY")
_ANON_NAMES = ("SUPABASE_KEY", "SUPABASE_PUBLIC_KEY", "SUPABASE_PUBLISHABLE_DEFAULT_KEY")
_OWN_ADDRESS_NAMES = (
    "APP_URL", "SITE_URL", "FRONTEND_URL", "PUBLIC_BASE_URL", "PUBLIC_SITE_URL", "BASE_URL", "CLIENT_URL",
    "NEXTAUTH_URL", "ALLOWED_ORIGIN", "ALLOWED_ORIGINS",
)  # fmt: skip
"""Names under which apps ask where they live; an owner's secret of that name goes before."""


def program(settings: Settings, server: ServerSettings, run: Path) -> Program:
    """Everything that the start of the server's process needs; its arguments hold no secret."""
    limits = settings.server_limits
    argv = (
        settings.node,
        f"--max-old-space-size={limits.heap_megabytes}",
        "--permission",
        f"--allow-fs-read={server.directory}",
        f"--allow-fs-read={PRELOAD}",
        f"--allow-fs-read={run}",
        f"--allow-fs-write={run}",
        *(["--allow-addons"] if server.addons else []),
        "--disable-warning=SecurityWarning",
        f"--require={PRELOAD}",
        str(server.directory / server.entry),
    )
    return Program(
        argv=argv,
        environment=environment(settings, server, run),
        folder=server.directory,
        run=run,
        bounds=bounds(limits),
    )


def bounds(limits: ServerLimits, threads: int | None = None) -> Bounds:
    """What the server's process may use, whatever it is written in."""
    return Bounds(
        memory_megabytes=limits.memory_megabytes,
        cpu_seconds=limits.cpu_seconds,
        boot_seconds=limits.boot_seconds,
        background_seconds=0,
        hang_seconds=limits.hang_seconds,
        threads=threads,
    )


def environment(settings: Settings, server: ServerSettings, run: Path) -> dict[str, str]:
    """The whole environment: what the build baked in, and the keys and secrets whose names stand in the code."""
    known = offered(settings) | surroundings.secrets(settings)
    own = {
        "HOME": str(run / "tmp"),
        "TMPDIR": str(run / "tmp"),
        "NODE_ENV": "production",
        "HOST": "127.0.0.1",
        "PORT": "3000",
        "FREEHOLD_SERVER": json.dumps(_setup(settings, run)),
    }
    return {
        **surroundings.inherited(),
        **server.environment,
        **{name: value for name, value in known.items() if name in server.reads},
        **own,
    }


def offered(settings: Settings) -> dict[str, str]:
    """Keys and addresses under every name that apps ask for them."""
    api = surroundings.api(settings)
    return {
        **dict.fromkeys(_OWN_ADDRESS_NAMES, settings.public_url),
        **dict.fromkeys(_SERVICE_NAMES, api["SUPABASE_SERVICE_ROLE_KEY"]),
        **dict.fromkeys(_ANON_NAMES, api["SUPABASE_PUBLISHABLE_KEY"]),
        **api,
    }


def _setup(settings: Settings, run: Path) -> Mapping[str, object]:
    """What preload.cjs reads, and deletes before the server's code runs."""
    return {
        **surroundings.addresses(settings),
        "socket": str(socket_in(run)),
        "relay": str(relay_in(run)),
        "denied": surroundings.denied_addresses(settings),
    }

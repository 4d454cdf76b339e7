"""What the runtime is told about functions."""

from pathlib import Path

from functions_world import settings_for, write

from freehold.core.secret import Secret
from freehold.runtime import settings
from freehold.runtime.functions import environment
from freehold.runtime.settings import FunctionLimits


def test_settings_of_functions_survive_being_written(tmp_path: Path) -> None:
    made = settings_for(tmp_path, write(tmp_path, {"a": ""}), "http://127.0.0.1:1")
    again = settings.parse(settings.dump(made), "a test")
    assert again == made
    assert again.function_limits == FunctionLimits(heap_megabytes=64, memory_megabytes=300, cpu_seconds=1.5)


def test_an_owners_secret_cannot_stand_for_a_key_or_change_deno(tmp_path: Path) -> None:
    functions = write(tmp_path, {"a": ""})
    secrets = {name: Secret("x") for name in ("SUPABASE_URL", "DENO_DIR", "LD_PRELOAD", "FREEHOLD_FUNCTION", "MINE")}
    made = settings_for(tmp_path, functions, "http://127.0.0.1:1", function_secrets=secrets)
    place = environment.Place(run=tmp_path / "run", cache=tmp_path / "cache")
    found = environment.environment(made, functions[0], place)
    assert [name for name, value in found.items() if value == "x"] == ["MINE"]

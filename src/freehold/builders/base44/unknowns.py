"""What the sources of a Base44 app cannot tell: most of it stands in the owner's account."""

from freehold.builders.base44.generation import OLD_EXPORT
from freehold.core.inventory import EdgeFunction, RecordKind, ServiceUse, Unknown

_ACCOUNT = "read it from your account"
_BUILT_IN = "User"
_SHOWN = 8


def of_files(
    layout: str, records: tuple[RecordKind, ...], functions: tuple[EdgeFunction, ...], computed: int
) -> list[Unknown]:
    """Say what the files lack; `computed` counts the places where code computes the name of an entity."""
    found = []
    inferred = [item.name for item in records if not item.declared and item.name != _BUILT_IN]
    if inferred:
        count = f"({len(inferred)}): {_few(inferred)}"
        why = f"code uses entities that no file describes, so fields and rules are not known {count}"
        found.append(Unknown(what="schemas of entities", why=why, hint=_ACCOUNT))
    if computed:
        why = f"code computes names of entities when it runs, in {computed} place{'' if computed == 1 else 's'}"
        found.append(Unknown(what="computed names of entities", why=why))
    why = "triggers and schedules are made in the account and stand in few apps' files; workflows stand in none"
    found.append(Unknown(what="automations and workflows", why=why, hint=_ACCOUNT))
    if layout == OLD_EXPORT:
        why = "exports of this age hold no code of functions"
        found.append(Unknown(what="functions", why=why, hint=_ACCOUNT))
    secrets = sorted({name for function in functions for name in function.secrets})
    if secrets:
        why = f"functions read secrets whose values are never in the sources ({len(secrets)}): {_few(secrets)}"
        found.append(Unknown(what="secrets", why=why, hint="copy them from the app's settings"))
    why = "who may open the app and which ways to sign in are on is set in the account"
    return [*found, Unknown(what="visibility and sign-in", why=why, hint=_ACCOUNT)]


def of_use(used: tuple[ServiceUse, ...], *, app_id: str) -> list[Unknown]:
    """Say what the platform's services keep for the app."""
    found = []
    if any(use.service == "files" for use in used):
        why = "uploaded files lie in Base44's store, and their addresses in the records"
        found.append(Unknown(what="uploaded files", why=why, hint="they are counted when the data is moved"))
    if not app_id:
        why = "neither base44/.app.jsonc nor code holds it"
        found.append(Unknown(what="the app's id", why=why, hint="it stands in the address of the app's editor"))
    return found


def _few(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")

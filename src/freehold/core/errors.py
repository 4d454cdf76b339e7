"""One tree of errors, each written for a person.

`message` says what happened to what, `detail` is the evidence, `hint` is what to type next, and `code` is stable
and has an entry in docs/reference/errors.md. None of them ever holds a secret.
"""

from collections.abc import Mapping


class FreeholdError(Exception):
    """Something the owner can understand and act on."""

    code = "FH000"

    def __init__(self, message: str, *, detail: str = "", hint: str = "") -> None:
        """Keep the three texts apart, so that each front end can set them its own way."""
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.hint = hint

    @property
    def document(self) -> dict[str, str]:
        """The same as JSON; `from_document` reads it."""
        return {"code": self.code, "message": self.message, "detail": self.detail, "hint": self.hint}


class NotAnApp(FreeholdError):
    """The path holds nothing that a builder made, or nothing at all."""

    code = "FH101"


class BadArchive(FreeholdError):
    """A zip that is broken, escapes its folder or unpacks to too much."""

    code = "FH102"


class SourceUnreachable(FreeholdError):
    """A git address that cannot be cloned."""

    code = "FH103"


class NotServedYet(FreeholdError):
    """An app that Freehold recognises and reads, and cannot bring up."""

    code = "FH104"


class BuildFailed(FreeholdError):
    """The app's own build ended with an error."""

    code = "FH201"


class ImportUnreachable(FreeholdError):
    """An edge function imports what cannot be fetched at build time."""

    code = "FH202"


class ProgramMissing(FreeholdError):
    """A program Freehold needs (PostgreSQL, Deno, Node) is neither on the system nor installable."""

    code = "FH203"


class FunctionUnreadable(FreeholdError):
    """An edge function is no program: its code cannot be parsed."""

    code = "FH204"


class DatabaseUnavailable(FreeholdError):
    """PostgreSQL does not start, or does not answer."""

    code = "FH301"


class DatabaseUnfit(FreeholdError):
    """PostgreSQL answers, but lacks a major version, an extension or a right that is needed."""

    code = "FH302"


class MigrationFailed(FreeholdError):
    """A statement of the app's migrations was refused by PostgreSQL."""

    code = "FH303"


class MigrationChanged(FreeholdError):
    """A migration that already ran has another content now."""

    code = "FH304"


class PortInUse(FreeholdError):
    """Another process listens where the app should be served."""

    code = "FH401"


class AlreadyRunning(FreeholdError):
    """Another `freehold up` serves from the same data folder."""

    code = "FH402"


class NotRunning(FreeholdError):
    """A command wants the running app, and none runs."""

    code = "FH403"


class ProcessDied(FreeholdError):
    """A supervised process keeps ending."""

    code = "FH404"


class TargetUnreachable(FreeholdError):
    """A target that does not answer, or refuses the connection."""

    code = "FH601"


class TargetUnfit(FreeholdError):
    """A target that lacks what a release needs: disk, memory, a PostgreSQL, an extension, a runtime."""

    code = "FH602"


class LockHeld(FreeholdError):
    """Somebody else changes the target just now."""

    code = "FH603"


class LockLost(FreeholdError):
    """The lock ran out or was broken while this command worked."""

    code = "FH604"


class ReleaseUnknown(FreeholdError):
    """A release that is not on the target, or cannot be used for this."""

    code = "FH605"


class ReleaseSick(FreeholdError):
    """A release that did not get healthy, or did not stay so; it has no traffic."""

    code = "FH606"


class WindowClosed(FreeholdError):
    """The database has changed so that an older release would not work with it."""

    code = "FH607"


class NotAccepted(FreeholdError):
    """A migration takes away what older releases need, and nobody has accepted that."""

    code = "FH608"


class TrailBroken(FreeholdError):
    """A trail whose lines were changed, moved or taken out."""

    code = "FH609"


class TargetUnknown(FreeholdError):
    """A target that is not among the configured ones, or a file of targets that cannot be read."""

    code = "FH610"


class SecretRefused(FreeholdError):
    """A secret's name is not valid, its value is empty, or the store cannot be read."""

    code = "FH501"


class BadUsage(FreeholdError):
    """An option or a setting has a value that cannot work."""

    code = "FH001"


class SourceBroken(FreeholdError):
    """A dump is cut off, damaged, or of a form that cannot be read."""

    code = "FH701"


class SourceBlind(FreeholdError):
    """The role at the source does not see every row, or not every object."""

    code = "FH702"


class MoveRefused(FreeholdError):
    """The target holds something else, or the source cannot be moved as it is; nothing was changed."""

    code = "FH703"


class MoveFailed(FreeholdError):
    """Something of the source did not arrive; what arrived stays, and the next run goes on."""

    code = "FH704"


class MoveDiffers(FreeholdError):
    """Source and target were compared and are not equal."""

    code = "FH705"


def from_document(values: Mapping[str, str]) -> FreeholdError:
    """Give an error that another process of Freehold's told, as one of its own kind."""
    kinds = {
        kind.code: kind for kind in globals().values() if isinstance(kind, type) and issubclass(kind, FreeholdError)
    }
    kind = kinds.get(values["code"], FreeholdError)
    return kind(values["message"], detail=values["detail"], hint=values["hint"])

"""Compare any two releases of a target."""

from freehold.core.errors import ReleaseUnknown
from freehold.core.release import Manifest, Release
from freehold.core.target import Target
from freehold.releases import compare, history
from freehold.releases.compare import Comparison


def of_numbers(target: Target, older: int, newer: int) -> Comparison:
    """Compare two releases by their numbers; raises ReleaseUnknown."""
    standings = target.releases()

    def known(number: int) -> tuple[Release, Manifest]:
        found = history.find(standings, number)
        if found is None:
            raise ReleaseUnknown(f"there is no release {number} on {target.name}", hint="freehold releases")
        return found.release, target.manifest(number)

    return compare.compare(known(older), known(newer))

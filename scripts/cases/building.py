"""Build one case as `freehold up` does, with the package registry and without starting anything of it.

    python scripts/cases/building.py APP DATA

The walk itself then finds everything in DATA and needs no network.
"""

import json
import sys
from pathlib import Path

from freehold.core.errors import FreeholdError
from freehold.core.event import Event
from freehold.flows import up_build
from freehold.flows.read import read_served_app
from freehold.flows.source import open_source
from freehold.flows.up_work import Build
from freehold.targets.local.place import place_of


def main(origin: str, data: Path) -> int:
    """Build; prints one JSON line with the error, if there is one, and gives 1 then."""
    place = place_of(origin, data)
    place.prepare()
    try:
        app = open_source(origin, place.work)
        work = Build(place=place, app=app, inventory=read_served_app(app))
        up_build.build(work, _tell)
    except FreeholdError as error:
        print(json.dumps({"error": error.message, "detail": error.detail, "code": error.code}))
        return 1
    print(json.dumps({"functions_not_startable": dict(work.functions_not_startable)}))
    return 0


def _tell(event: Event) -> None:
    print(event.text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))

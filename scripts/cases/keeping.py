"""Keep values of secrets, a JSON object on standard input, for the app whose data lie in DATA.

    python scripts/cases/keeping.py DATA < VALUES.json

As `freehold secrets set` does one by one, which takes as many seconds as an app has secrets.
"""

import json
import sys
from pathlib import Path

from freehold.core.errors import SecretRefused
from freehold.core.secret import Secret
from freehold.secrets.age import AgeStore, check_name
from freehold.targets.local.place import find_place, identity_file


def main(data: Path) -> int:
    """Keep them."""
    store = AgeStore(find_place(None, data).secrets, identity_file())
    for name, value in json.load(sys.stdin).items():
        try:
            check_name(name)
        except SecretRefused as error:
            print(error.message, file=sys.stderr)
            continue
        store.put(name, Secret(value))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

"""`python -m freehold` and the `freehold` program."""

import sys

QUICK = "rollback"
"""The command that begins to log in before anything else is loaded."""


def main() -> None:
    """Run the program; see cli/main.py."""
    if sys.argv[1:2] == [QUICK]:
        from freehold.cli import ahead  # noqa: PLC0415 - the order is what it is for

        ahead.begin(sys.argv[2:])
    from freehold.cli import main as program  # noqa: PLC0415 - likewise

    program.main()


if __name__ == "__main__":
    main()

"""Write the generated pages of docs/reference; with --check, end with 1 when one is not up to date."""

import argparse
import json
import sys
from pathlib import Path

import click

from freehold.audit import reference, registry
from freehold.cli import main
from freehold.flows.check_document import json_schema

REFERENCE = Path(__file__).parents[1] / "docs/reference"
COMMANDS_HEAD = """# Commands

Generated from the program's own help by `make docs`. Every command prints data on standard output and talk on
standard error; `--json` stands wherever data is printed. Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
"""


def pages() -> dict[Path, str]:
    """Give every generated page."""
    return {
        REFERENCE / "commands.md": commands_page(),
        REFERENCE / "rules.md": reference.page(registry.RULES),
        REFERENCE / "check.schema.json": json.dumps(json_schema(), indent=1) + "\n",
    }


def commands_page() -> str:
    """One section a command, with its help as a terminal of 100 columns shows it."""
    root = click.Context(main.freehold, info_name="freehold", terminal_width=100, max_content_width=100)
    parts = [COMMANDS_HEAD]
    for name in main.COMMANDS:
        command = main.freehold.get_command(root, name)
        if command is not None:
            parts.extend(_sections(command, f"freehold {name}", root, name))
    return "\n".join(parts)


def _sections(command: click.Command, title: str, parent: click.Context, name: str) -> list[str]:
    context = click.Context(command, info_name=name, parent=parent, terminal_width=100, max_content_width=100)
    found = [f"## {title}\n\n```\n{command.get_help(context)}\n```\n"]
    if isinstance(command, click.Group):
        for child in command.commands.values():
            found.extend(_sections(child, f"{title} {child.name}", context, child.name or ""))
    return found


def run() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text() != text]
    for path in stale:
        if check:
            print(f"{path} is not up to date: make docs", file=sys.stderr)
        else:
            path.write_text(pages()[path])
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(run())

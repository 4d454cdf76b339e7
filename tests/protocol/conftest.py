"""The real clients from npm, in a Node process of their own."""

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from node_client import Speak

from freehold.core.errors import ProgramMissing
from freehold.kit import programs

FOLDER = Path(__file__).parent / "node"
INSTALL_SECONDS = 300
SCRIPT_SECONDS = 120


@pytest.fixture(scope="session")
def node() -> programs.Node:
    """Node with the packages of node/package-lock.json beside the scripts."""
    try:
        found = programs.node()
    except ProgramMissing as missing:
        pytest.skip(f"no Node here: {missing.message} {missing.detail}")
    if not (FOLDER / "node_modules/@supabase/supabase-js").exists():
        command = [*found.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        environment = os.environ | {"PATH": found.search_path()}
        subprocess.run(command, cwd=FOLDER, env=environment, check=True, timeout=INSTALL_SECONDS)
    return found


@pytest.fixture
def speak(node: programs.Node) -> Speak:
    """Run node/<script> with these environment variables; gives the JSON values that it prints, one a line."""

    async def run(script: str, **environment: str) -> list[dict[str, Any]]:
        process = await asyncio.create_subprocess_exec(
            str(node.node),
            script,
            cwd=FOLDER,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            output, problems = await asyncio.wait_for(process.communicate(), SCRIPT_SECONDS)
        except TimeoutError:
            process.kill()
            raise
        assert process.returncode == 0, problems.decode()[-3000:]
        return [json.loads(line) for line in output.decode().splitlines()]

    return run

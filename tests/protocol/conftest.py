"""The real clients from npm, in a Node process of their own."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from node_client import Speak
from node_packages import node_with_packages

from freehold.kit import programs

FOLDER = Path(__file__).parent / "node"
SCRIPT_SECONDS = 120


@pytest.fixture(scope="session")
def node() -> programs.Node:
    """Node with the packages of node/package-lock.json beside the scripts."""
    return node_with_packages(FOLDER, "@supabase/supabase-js", "@base44/sdk")


@pytest.fixture
def speak(node: programs.Node) -> Speak:
    """Run node/<script> with these environment variables; gives the JSON values that it prints, one a line."""

    async def run(script: str, **environment: str) -> list[dict[str, Any]]:
        process = await asyncio.create_subprocess_exec(
            str(node.node),
            script,
            cwd=FOLDER,
            env=os.environ | environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            output, problems = await asyncio.wait_for(process.communicate(), SCRIPT_SECONDS)
        except TimeoutError:
            process.kill()
            raise
        assert process.returncode == 0, problems.decode()[-3000:]
        return [json.loads(line) for line in output.decode().splitlines()]

    return run

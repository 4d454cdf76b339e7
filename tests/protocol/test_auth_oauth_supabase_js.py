"""Unmodified supabase-js from npm signs people in by real OpenID providers."""

import hashlib
from pathlib import Path

import pytest
from auth_world import KEYS
from node_client import Speak
from social_world import social_world

pytestmark = pytest.mark.protocol


async def test_an_unchanged_client_signs_in_by_other_providers(speak: Speak, tmp_path: Path) -> None:
    async with social_world(tmp_path, enable_anonymous_sign_ins=True) as world:
        nonce = hashlib.sha256(b"a native nonce").hexdigest()
        cases = await speak(
            "oauth_app.mjs",
            URL=world.url,
            ANON=KEYS.publishable_key,
            NATIVE=world.first.id_token(nonce=nonce),
            NONCE="a native nonce",
        )
    assert [case for case in cases if not case["ok"]] == []
    assert len(cases) == 7

"""Unmodified supabase-js from npm signs people in as apps do."""

from pathlib import Path

import pytest
from auth_world import KEYS, PREFIX, auth_world
from node_client import Speak

pytestmark = pytest.mark.protocol

CONFIG = {
    "enable_anonymous_sign_ins": True,
    "enable_manual_linking": True,
    "email": {"max_frequency": "0s", "double_confirm_changes": False},
    "mfa": {"totp": {"enroll_enabled": True, "verify_enabled": True}},
}


@pytest.mark.parametrize("form", ["new keys", "keys in JWT form"])
async def test_an_unchanged_client_does_everything_that_apps_do(speak: Speak, tmp_path: Path, form: str) -> None:
    is_new = form == "new keys"
    async with auth_world(tmp_path, CONFIG) as world:
        world.mail_folder.mkdir()
        cases = await speak(
            "auth_app.mjs",
            URL=world.url.removesuffix(PREFIX),
            ANON=KEYS.publishable_key if is_new else KEYS.anon_jwt,
            SECRET=KEYS.secret_key.reveal() if is_new else KEYS.service_role_jwt.reveal(),
            MAIL=str(world.mail_folder),
        )
        assert len(cases) == 15
        assert [case for case in cases if not case["ok"]] == []

"""The age store keeps versions, opens with its key only, and shows nothing."""

import pickle
import shutil
import threading
from pathlib import Path

import pytest

from freehold.core.errors import SecretRefused
from freehold.core.secret import Secret
from freehold.secrets.age import AgeStore, check_name

CANARY = "canary-3f9c2a1"


@pytest.fixture
def store(tmp_path: Path) -> AgeStore:
    return AgeStore(tmp_path / "secrets", tmp_path / "key" / "identity.txt")


def test_a_secret_comes_back_and_its_newest_version_counts(store: AgeStore) -> None:
    assert store.put("API_KEY", Secret("one")) == "1"
    assert store.put("API_KEY", Secret(CANARY)) == "2"
    assert store.get("API_KEY") == Secret(CANARY)
    assert store.names() == ("API_KEY",)
    assert store.get("OTHER") is None


def test_nothing_on_disk_holds_the_value_and_nobody_else_may_read_it(store: AgeStore, tmp_path: Path) -> None:
    store.put("API_KEY", Secret(CANARY))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 2
    for path in files:
        assert CANARY.encode() not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0


def test_another_key_opens_nothing_and_the_error_names_the_secret_only(store: AgeStore, tmp_path: Path) -> None:
    store.put("API_KEY", Secret(CANARY))
    other = AgeStore(tmp_path / "secrets", tmp_path / "other" / "identity.txt")
    with pytest.raises(SecretRefused) as caught:
        other.get("API_KEY")
    assert "API_KEY" in caught.value.message
    assert CANARY not in caught.value.detail


@pytest.mark.parametrize(("name", "again"), [("STRIPE_KEY", True), ("freehold_keys", False)])
def test_only_what_its_owner_has_set_can_be_set_again(store: AgeStore, tmp_path: Path, name: str, again: bool) -> None:
    store.put(name, Secret("value"))
    with pytest.raises(SecretRefused) as refused:
        AgeStore(tmp_path / "secrets", tmp_path / "another").get(name)
    assert "FREEHOLD_AGE_IDENTITY" in refused.value.hint
    assert ("freehold secrets set" in refused.value.hint) is again


def test_reading_with_no_identity_makes_none(store: AgeStore, tmp_path: Path) -> None:
    store.put("API_KEY", Secret(CANARY))
    with pytest.raises(SecretRefused) as caught:
        AgeStore(tmp_path / "secrets", tmp_path / "gone.txt").get("API_KEY")
    assert "no such file" in caught.value.detail
    assert not (tmp_path / "gone.txt").exists()


@pytest.mark.parametrize("made", [False, True])
def test_no_secret_is_put_beside_those_of_another_identity(store: AgeStore, tmp_path: Path, made: bool) -> None:
    store.put("API_KEY", Secret(CANARY))
    other = tmp_path / "other.txt"
    if made:
        AgeStore(tmp_path / "elsewhere", other).put("X", Secret("x"))
    with pytest.raises(SecretRefused, match="MAIL_KEY is not set") as caught:
        AgeStore(tmp_path / "secrets", other).put("MAIL_KEY", Secret("value"))
    assert "API_KEY" in caught.value.detail
    assert "FREEHOLD_AGE_IDENTITY" in caught.value.hint
    assert store.names() == ("API_KEY",)
    assert other.exists() is made


def test_a_broken_secret_beside_one_that_opens_keeps_nobody_from_setting_another(
    store: AgeStore, tmp_path: Path
) -> None:
    store.put("A_KEY", Secret(CANARY))
    store.put("B_KEY", Secret(CANARY))
    (tmp_path / "secrets/A_KEY/1.age").write_bytes(b"broken")
    assert store.put("C_KEY", Secret("value")) == "1"
    assert store.put("A_KEY", Secret("again")) == "2"


def test_the_only_secret_can_be_set_again_under_a_new_identity(store: AgeStore, tmp_path: Path) -> None:
    store.put("API_KEY", Secret(CANARY))
    other = AgeStore(tmp_path / "secrets", tmp_path / "other.txt")
    assert other.put("API_KEY", Secret("new")) == "2"
    assert other.get("API_KEY") == Secret("new")


def test_a_truncated_file_is_an_error_and_not_an_empty_secret(store: AgeStore, tmp_path: Path) -> None:
    store.put("API_KEY", Secret(CANARY))
    file = tmp_path / "secrets/API_KEY/1.age"
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(SecretRefused):
        store.get("API_KEY")


@pytest.mark.parametrize("name", ["", "1X", "A-B", "A B", "../X", "SUPABASE_URL", "A" * 129, "A\n"])
def test_a_name_that_cannot_be_an_environment_variable_is_refused(name: str) -> None:
    with pytest.raises(SecretRefused):
        check_name(name)


def test_an_empty_value_is_refused(store: AgeStore) -> None:
    with pytest.raises(SecretRefused):
        store.put("API_KEY", Secret(""))


def test_twenty_writers_at_once_lose_no_version(store: AgeStore) -> None:
    writers = [threading.Thread(target=store.put, args=("API_KEY", Secret(f"v{n}"))) for n in range(20)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert store.version("API_KEY") == "20"
    assert store.get("API_KEY") is not None


def test_an_owner_may_remove_secrets_while_they_are_listed(store: AgeStore, tmp_path: Path) -> None:
    """`freehold up` lists them four times a second."""
    ended = threading.Event()

    def remove_again_and_again() -> None:
        for number in range(100):
            store.put("API_KEY", Secret(f"v{number}"))
            shutil.rmtree(tmp_path / "secrets/API_KEY")
        ended.set()

    remover = threading.Thread(target=remove_again_and_again)
    remover.start()
    while not ended.is_set():
        assert set(store.names()) <= {"API_KEY"}
    remover.join()
    assert store.names() == ()


def test_a_secret_cannot_be_printed_formatted_or_pickled() -> None:
    secret = Secret(CANARY)
    assert CANARY not in f"{secret} {secret!r} {[secret]}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)

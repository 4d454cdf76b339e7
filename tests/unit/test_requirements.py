"""What of a requirements file an installer gets: published packages, and nothing that would be built or run."""

from pathlib import Path

import pytest

from freehold.core.errors import BuildFailed
from freehold.releases import requirements


def _read(folder: Path, text: str, **others: str) -> requirements.Requirements:
    for name, content in others.items():
        (folder / f"{name}.txt").write_text(content)
    (folder / "requirements.txt").write_text(text)
    return requirements.read(folder / "requirements.txt", folder)


def test_packages_and_their_versions_are_taken_as_they_stand(tmp_path: Path) -> None:
    text = (
        "\ufeffDjango==5.1.7  # the framework\n\n# a comment\ndj-database-url>=2,<4\n"
        "celery[redis,msgpack]~=5.4; python_version >= '3.9'\nPillow (>=10)\nx===1.0.post1+local\n"
    )
    assert _read(tmp_path, text).lines == (
        "Django==5.1.7",
        "dj-database-url>=2,<4",
        "celery[redis,msgpack]~=5.4; python_version >= '3.9'",
        "Pillow(>=10)",
        "x===1.0.post1+local",
    )


def test_digests_that_a_lock_file_names_stay_with_their_packages(tmp_path: Path) -> None:
    found = _read(
        tmp_path,
        "django==5.1.7 \\\n    --hash=sha256:00aa \\\n    --hash=sha256:11bb\npsycopg2==2.9 --hash=sha256:22\n",
    )
    assert found.lines == ("django==5.1.7 --hash=sha256:00aa --hash=sha256:11bb", "psycopg2==2.9 --hash=sha256:22")
    assert not found.notes


def test_files_that_it_includes_are_read_as_well_and_none_outside_the_app(tmp_path: Path) -> None:
    assert _read(tmp_path, "-r base.txt\nb==2\n", base="a==1\n").lines == ("a==1", "b==2")
    (tmp_path / "app").mkdir()
    for text in ("-r ../base.txt\n", "-c /etc/passwd\n", "-r requirements.txt\n", "--requirement=gone.txt\n"):
        with pytest.raises(BuildFailed):
            _read(tmp_path / "app", text)


def test_where_packages_come_from_is_not_the_apps_choice(tmp_path: Path) -> None:
    found = _read(tmp_path, "--index-url https://somewhere.example/simple\n--pre\n-f /tmp\ndjango\n")
    assert found.lines == ("django",)
    assert [note.split(": ")[1].split()[0] for note in found.notes] == ["--index-url", "--pre", "-f"]


def test_a_driver_that_would_have_to_be_compiled_is_taken_as_a_wheel(tmp_path: Path) -> None:
    found = _read(tmp_path, "psycopg2==2.9.10\npsycopg>=3.2\npsycopg[binary]==3.2\n")
    assert found.lines == ("psycopg2-binary==2.9.10", "psycopg[binary]>=3.2", "psycopg[binary]==3.2")
    assert len(found.notes) == 2


@pytest.mark.parametrize(
    "line",
    [
        "./local",
        "../up==1",
        "git+https://github.com/a/b.git",
        "https://example.com/x-1.0-py3-none-any.whl",
        "x @ https://example.com/x.whl",
        "x @ file:///root/x",
        "-e .",
        "--editable=git+https://example.com/a.git",
        "x --global-option=build",
        "x --config-settings=a=b",
        "/etc/passwd",
    ],
)
def test_what_would_be_built_or_comes_from_elsewhere_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(BuildFailed, match="no package of a package index"):
        _read(tmp_path, f"django\n{line}\n")


def test_a_refused_address_is_shown_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed) as refused:
        _read(tmp_path, "git+https://me:hunter2@example.com/a.git\n")
    assert "hunter2" not in str(refused.value)
    assert "example.com" in refused.value.message


def test_a_projects_own_file_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text('[project]\nname = "x"\ndependencies = ["Django>=5,<6", "psycopg2"]\n')
    assert requirements.read(path, tmp_path).lines == ("Django>=5,<6", "psycopg2-binary")
    path.write_text('[project]\nname = "x"\ndependencies = ["x @ https://example.com/x.whl"]\n')
    with pytest.raises(BuildFailed, match=r"pyproject\.toml asks for x @"):
        requirements.read(path, tmp_path)


def test_what_only_other_places_need_is_left_out_and_told(tmp_path: Path) -> None:
    found = _read(tmp_path, "django\nmysqlclient==2.2.7\nuWSGI\nmod_wsgi>=5\npywin32==306; sys_platform == 'win32'\n")
    assert found.lines == ("django",)
    assert [note.split(": ")[1] for note in found.notes] == [
        "mysqlclient is left out", "uWSGI is left out", "mod_wsgi is left out", "pywin32 is left out",
    ]  # fmt: skip

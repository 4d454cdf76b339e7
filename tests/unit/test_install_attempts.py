"""Which way to install is tried next, by what the last one said."""

from freehold.releases import dependencies

GONE = "npm error code E404\nnpm error 404  The requested resource 'kit@https://registry.example/kit-8.0.14.tgz'"


def test_a_version_that_the_registry_lost_is_chosen_anew_without_the_lock_file() -> None:
    ways = dependencies.attempts("npm", has_lock=True)
    (left,) = dependencies.following(list(ways[1:]), GONE)
    assert "--no-package-lock" in left.arguments
    assert "registry no longer has" in left.note


def test_without_a_lock_file_there_is_nothing_to_leave_out() -> None:
    ways = dependencies.attempts("npm", has_lock=False)
    assert all("--no-package-lock" not in way.arguments for way in ways)
    assert dependencies.following(list(ways[1:]), GONE) == []


def test_a_lock_file_that_does_not_fit_and_a_lost_network_are_told_apart() -> None:
    left = list(dependencies.attempts("npm", has_lock=True)[1:])
    stale = dependencies.following(left, "npm error `npm ci` can only install packages when they are in sync")
    assert stale[0].arguments[0] == "install"
    assert dependencies.following(left, "npm error network ECONNREFUSED") == []

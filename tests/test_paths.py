"""Where things are."""

import pwd
from pathlib import Path

import pytest

from tui.domain.failure import UsageProblem
from tui.paths import Paths, expanded


def test_what_is_not_below_a_home_that_there_is_stays_as_it_was() -> None:
    assert expanded("~/a/b") == Path.home() / "a" / "b"
    assert expanded("/a/~b") == Path("/a/~b")
    assert expanded("~there-is-no-such-user/a") == Path("~there-is-no-such-user/a")


def test_a_home_that_there_is_not_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHARF_HOME", "~there-is-no-such-user")
    with pytest.raises(UsageProblem, match="WHARF_HOME is ~there-is-no-such-user"):
        Paths.from_environment()


def test_a_user_without_an_entry_and_without_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: int) -> pwd.struct_passwd:
        raise KeyError

    for variable in ("HOME", "WHARF_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(UsageProblem, match=r"HOME is not set.*Set WHARF_HOME"):
        Paths.from_environment()

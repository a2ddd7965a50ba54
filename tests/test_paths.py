"""Where things are."""

from pathlib import Path

from tui.paths import expanded


def test_what_is_not_below_a_home_that_there_is_stays_as_it_was() -> None:
    assert expanded("~/a/b") == Path.home() / "a" / "b"
    assert expanded("/a/~b") == Path("/a/~b")
    assert expanded("~there-is-no-such-user/a") == Path("~there-is-no-such-user/a")

"""Drawing with ASCII only: every sign has a stand-in of the same width."""

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.console.conftest import lines_of, settle
from tests.console.fakes import FakeEngine
from tui.console.app import WharfApp
from tui.console.filters import in_ascii, needs_ascii
from tui.domain.run import Progress, Status
from tui.engine import Engine
from tui.settings import Settings


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Mn", "Me", "Zl", "Zp"])))
def test_the_width_stays(text: str) -> None:
    plain = in_ascii(text)
    assert plain.isascii()
    assert cell_len(plain) == cell_len(text)


def test_signs_bars_and_borders_are_told_apart() -> None:
    assert len({in_ascii(sign) for sign in "·▶✓✗"}) == 4
    assert in_ascii("╭──╮│██▌ ▏") == "+--+|### ."


@pytest.mark.parametrize("keys", [(), ("enter",), ("n",), ("f",), ("question_mark",), ("colon",)])
async def test_no_screen_draws_anything_else(engine: FakeEngine, keys: tuple[str, ...]) -> None:
    await engine.add("Zürich–日本", "acme")
    await engine.ran("Zürich–日本", Status.FAILED)
    await engine.start("acme")
    engine.progress("acme", Progress(1, 3, 500, 1000, "a.csv"))
    app = WharfApp(cast("Engine", engine), Settings(ascii=True))
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press(*keys)
        await settle(pilot)
        lines = lines_of(app)
    assert all(line.isascii() for line in lines)
    assert {cell_len(line) for line in lines} == {100}
    if not keys:
        assert "enter History" in lines[-1]
        assert any("x Failed" in line and "Z?rich-????" in line for line in lines)
        assert any("> In Progress" in line for line in lines)
        assert any("#####" in line for line in lines)


@pytest.mark.parametrize(
    ("encoding", "term", "needed"),
    [
        ("utf-8", "xterm-256color", False),
        ("UTF8", "tmux-256color", False),
        ("ascii", "xterm", True),
        ("iso8859-1", "xterm", True),
        ("utf-8", "linux", True),
    ],
)
def test_it_is_chosen_by_itself(encoding: str, term: str, needed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stream:
        pass

    stream = Stream()
    stream.encoding = encoding  # type: ignore[attr-defined]  # all that is looked at
    monkeypatch.setattr("sys.__stderr__", stream)
    monkeypatch.setenv("TERM", term)
    assert needs_ascii("auto") is needed
    assert needs_ascii(True) is True
    assert needs_ascii(False) is False

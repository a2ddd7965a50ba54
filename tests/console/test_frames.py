"""What is sent to the terminal: no more than what differs, and never less."""

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from tests.console.livetable.app import PictureApp

LETTERS = st.sampled_from([*"ab 1", "日", "e\u0301", "█", "▏"])
TEXTS = st.lists(
    st.tuples(st.lists(LETTERS, max_size=8).map("".join), st.sampled_from(["", "red", "on blue"])), max_size=6
)


class TextApp(PictureApp):
    CSS = "Static { height: 1; }"

    def compose(self) -> ComposeResult:
        for number in range(3):
            yield Static("", id=f"line-{number}", markup=False)

    def write(self, line: int, parts: list[tuple[str, str]]) -> None:
        self.query_one(f"#line-{line}", Static).update(Text.assemble(*parts), layout=False)


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=st.lists(st.tuples(st.integers(0, 2), TEXTS), max_size=8), seed=st.integers(0, 99))
async def test_the_terminal_shows_what_was_drawn(steps: list[tuple[int, list[tuple[str, str]]]], seed: int) -> None:
    app, choose = TextApp(), random.Random(seed)
    async with app.run_test(size=(30, 4)) as pilot:
        await pilot.pause()
        for line, parts in steps:
            app.write(line, parts)
            if choose.random() < 0.7:
                await pilot.pause()
        await pilot.pause()
        assert app.picture.cells == app.drawn_anew().cells


async def test_some_digits_cost_some_digits() -> None:
    app = TextApp()
    async with app.run_test(size=(120, 4)) as pilot:
        app.write(0, [("acme-conversions " * 3, "bold red"), ("9.3 MB/s", "")])
        await pilot.pause()
        before = app.sent
        app.write(0, [("acme-conversions " * 3, "bold red"), ("9.4 MB/s", "")])
        await pilot.pause()
        assert 0 < app.sent - before < 60
        assert app.picture.lines[0].rstrip().endswith("9.4 MB/s")


async def test_what_looks_the_same_costs_nothing() -> None:
    app = TextApp()
    async with app.run_test(size=(120, 4)) as pilot:
        app.write(1, [("the same", "red")])
        await pilot.pause()
        before = app.sent
        app.write(1, [("the same", "red")])
        await pilot.pause()
        assert app.sent == before


async def test_a_whole_screen_is_sent_whole() -> None:
    app = TextApp()
    async with app.run_test(size=(30, 4)) as pilot:
        app.write(0, [("one", "")])
        await pilot.pause()
        before = app.sent
        app.refresh(layout=True)
        await pilot.pause()
        assert app.sent - before >= 30 * 4

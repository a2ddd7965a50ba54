"""Rows that only move are not drawn again, and all others are."""

from collections import Counter
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from tests.console.conftest import lines_of
from tests.console.livetable.app import TableApp, Thing, things
from tui.console.livetable import Column

MANY = [f"{number:03}" for number in range(100)]


class Telling:
    """Says of each row what it is told to, and counts how often it was asked."""

    def __init__(self) -> None:
        self.said = "one"
        self.asked: Counter[str] = Counter()

    def __call__(self, thing: Thing, _: int) -> str:
        self.asked[thing.key] += 1
        return f"{thing.key} {self.said} {thing.size}"


@pytest.fixture
def telling() -> Telling:
    return Telling()


@pytest.fixture
def app(telling: Telling) -> TableApp:
    return TableApp((Column("name", "Name", telling, 20, grows=True),))


async def _at_the_bottom(app: TableApp, pilot: Pilot[None]) -> None:
    """The cursor on the last row seen, so that the next one has the table scroll."""
    app.table.show(things(MANY))
    app.table.go(app.table.size.height - 2)
    await pilot.pause()


async def test_to_scroll_by_one_draws_the_row_that_comes_and_the_one_that_the_cursor_leaves(
    app: TableApp, telling: Telling
) -> None:
    async with app.run_test(size=(40, 20)) as pilot:
        await _at_the_bottom(app, pilot)
        telling.asked.clear()
        await pilot.press("j")
        assert telling.asked.total() == 2
        assert any("019 one" in line for line in lines_of(app))


async def test_a_row_that_has_changed_out_of_sight_is_drawn_when_it_comes_into_it(
    app: TableApp, telling: Telling
) -> None:
    async with app.run_test(size=(40, 20)) as pilot:
        await _at_the_bottom(app, pilot)
        await pilot.press("pagedown", "pagedown")
        app.table.show([replace(thing, size="new") for thing in things(MANY)])
        await pilot.press("g")
        assert "000 one new" in lines_of(app)[1]


async def test_what_depends_on_more_than_the_row_is_drawn_again_in_and_out_of_sight(
    app: TableApp, telling: Telling
) -> None:
    async with app.run_test(size=(40, 20)) as pilot:
        await _at_the_bottom(app, pilot)
        await pilot.press("pagedown")
        telling.said = "two"
        app.table.redraw(lambda thing: thing.key != "001")
        await pilot.pause()
        assert all(" two " in line for line in lines_of(app)[1:])
        await pilot.press("g")
        assert "000 two" in lines_of(app)[1]
        assert "001 one" in lines_of(app)[2]


async def test_marks_and_widths_and_themes_have_rows_drawn_again(app: TableApp, telling: Telling) -> None:
    async with app.run_test(size=(40, 20)) as pilot:
        await _at_the_bottom(app, pilot)
        app.table.toggle_mark("005")
        await pilot.pause()
        assert "● 005" in lines_of(app)[6]
        await pilot.resize_terminal(30, 20)
        await pilot.pause()
        assert {len(line) for line in lines_of(app)} == {30}
        telling.asked.clear()
        app.theme = "textual-light"
        await pilot.pause()
        assert len(telling.asked) == 19

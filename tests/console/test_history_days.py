"""The history as a time line: a line above each day, wherever runs come, go and are read."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from tests.console.conftest import lines_of, place_of, settle
from tests.console.fakes import NOW, OWNER, FakeEngine
from tui.console.app import WharfApp
from tui.console.screens import history
from tui.console.screens.history import HistoryScreen
from tui.console.screens.history_days import DayBreak, Row, TimeLine, break_text, row_key
from tui.console.screens.history_list import PAGE
from tui.console.widgets.row_table import RowTable
from tui.console.widgets.run_text import Entry
from tui.domain.run import Run, Status, Trigger

WEDNESDAY = date(2026, 3, 4)


def entry(run_id: int, started: datetime, status: Status = Status.COMPLETED) -> Entry:
    return Entry(Run(run_id, "acme", Trigger.MANUAL, status, started, started, OWNER))


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12).astimezone()


def told(rows: list[Row]) -> list[str]:
    """What the days say; runs by their numbers."""
    texts = [(row, break_text(row)) for row in rows]
    return [str(row.run_id) if isinstance(row, Entry) else str(text) for row, text in texts]


def test_days_are_told_as_people_say_them() -> None:
    days = [WEDNESDAY, WEDNESDAY - timedelta(1), WEDNESDAY - timedelta(2), date(2025, 12, 31)]
    runs = [
        entry(9 - place, noon(day), Status.FAILED if place == 1 else Status.COMPLETED) for place, day in enumerate(days)
    ]
    assert told(TimeLine().rows(runs, WEDNESDAY, complete=True)) == [
        *("Today, Wednesday 4 March  1 run", "9"),
        *("Yesterday, Tuesday 3 March  1 run  1 failed", "8"),
        *("Monday 2 March  1 run", "7"),
        *("Wednesday 31 December 2025  1 run", "6"),
    ]


def test_the_last_day_may_go_on_where_not_all_was_read() -> None:
    runs = [entry(2, noon(WEDNESDAY)), entry(1, noon(WEDNESDAY - timedelta(1)))]
    rows = told(TimeLine().rows(runs, WEDNESDAY, complete=False))
    assert rows[0].endswith("1 run")
    assert rows[2].endswith("1+ runs")


def test_a_day_that_comes_twice_after_a_clock_was_put_back_stays_two_rows() -> None:
    tomorrow = noon(WEDNESDAY + timedelta(1))
    runs = [entry(3, noon(WEDNESDAY)), entry(2, tomorrow), entry(1, noon(WEDNESDAY))]
    rows = TimeLine().rows(runs, WEDNESDAY, complete=True)
    assert len({row_key(row) for row in rows}) == len(rows) == 6


@given(st.lists(st.tuples(st.integers(-400, 400), st.sampled_from([Status.COMPLETED, Status.FAILED]))), st.booleans())
def test_no_run_is_lost_and_each_stands_below_its_day(made: list[tuple[int, Status]], complete: bool) -> None:
    runs = [
        entry(len(made) - place, NOW + timedelta(hours=hours), status) for place, (hours, status) in enumerate(made)
    ]
    rows = TimeLine().rows(runs, WEDNESDAY, complete=complete)
    assert [row for row in rows if isinstance(row, Entry)] == runs
    assert not rows or isinstance(rows[0], DayBreak)
    assert not any(isinstance(one, DayBreak) and isinstance(other, DayBreak) for one, other in pairwise(rows))
    assert len({row_key(row) for row in rows}) == len(rows)
    assert sum(row.failed for row in rows if isinstance(row, DayBreak)) == sum(s is Status.FAILED for _, s in made)
    day = None
    for row in rows:
        day = row.day if isinstance(row, DayBreak) else day
        assert isinstance(row, DayBreak) or row.run.started.astimezone().date() == day


# On the screen


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> list[date]:
    """The day that it is; the test may change it."""
    days = [noon(WEDNESDAY).date()]
    monkeypatch.setattr(history, "_today", lambda: days[0])
    return days


async def ran_on(engine: FakeEngine, day: date, number: int = 1) -> None:
    for _ in range(number):
        run = await engine.ran("acme")
        engine.store.all_runs[run.run_id] = run._replace(started=noon(day).astimezone(UTC))


async def opened(pilot: Pilot[Any]) -> RowTable[Row]:
    app = pilot.app
    assert isinstance(app, WharfApp)
    await settle(pilot)
    await app.push_screen(HistoryScreen(app.engine, None))
    await settle(pilot)
    table: RowTable[Row] = app.screen.query_one(RowTable)
    return table


async def test_the_cursor_passes_over_days_and_stays_on_its_run(
    app: WharfApp, engine: FakeEngine, today: list[date]
) -> None:
    await engine.add("acme")
    await ran_on(engine, WEDNESDAY - timedelta(1), 2)
    await ran_on(engine, WEDNESDAY)
    async with app.run_test(size=(120, 30)) as pilot:
        table = await opened(pilot)
        assert table.cursor_key == 3
        await pilot.press("j")
        assert table.cursor_key == 2
        await pilot.press("k", "k", "g")
        assert table.cursor_key == 3
        await pilot.click(offset=place_of(app, "Yesterday"))
        assert table.cursor_key == 3
        await ran_on(engine, WEDNESDAY)
        engine.store.bump()
        await settle(pilot)
        assert table.cursor_key == 3
        assert any("Today" in line and "2 runs" in line for line in lines_of(app))


async def test_at_midnight_today_becomes_yesterday(app: WharfApp, engine: FakeEngine, today: list[date]) -> None:
    await engine.add("acme")
    await ran_on(engine, WEDNESDAY)
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(pilot)
        assert any("Today, Wednesday 4 March" in line for line in lines_of(app))
        today[0] += timedelta(1)
        assert isinstance(app.screen, HistoryScreen)
        app.screen._tick()
        await pilot.pause()
        assert any("Yesterday, Wednesday 4 March" in line for line in lines_of(app))


async def test_a_page_that_is_read_later_goes_on_with_its_day(
    app: WharfApp, engine: FakeEngine, today: list[date]
) -> None:
    await engine.add("acme")
    await ran_on(engine, WEDNESDAY - timedelta(1), PAGE)
    await ran_on(engine, WEDNESDAY, PAGE // 2)
    async with app.run_test(size=(120, 30)) as pilot:
        table = await opened(pilot)
        assert any(f"{PAGE // 2}+ runs" in str(break_text(row)) for row in table.items)
        await pilot.press("G")
        await settle(pilot)
        days = [row for row in table.items if isinstance(row, DayBreak)]
        assert [(day.runs, day.open_end) for day in days] == [(PAGE // 2, False), (PAGE, False)]
        assert table.cursor_key == PAGE // 2 + 1

"""The totals of a period: the plot of its days and the table of its connections."""

from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import cast

import pytest

from tests.console.conftest import lines_of, settle
from tests.console.fakes import FakeEngine
from tui.console.app import WharfApp
from tui.console.widgets.day_plot import FAILED, SOUND, Day, DayPlot, _ticks
from tui.console.widgets.row_table import RowTable
from tui.domain.run import Status
from tui.domain.statistics import ConnectionTotals, DayTotals, Statistics
from tui.engine import Engine
from tui.settings import Settings

TODAY = datetime.now().astimezone().date()


def screen_text(app: WharfApp) -> str:
    return "\n".join(lines_of(app))


@pytest.fixture
async def asked(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str | None, int]]:
    """What was asked of the store: the connection, and how many days."""
    asked: list[tuple[str | None, int]] = []
    await engine.add("acme", "a[red]b")

    async def statistics(name: str | None, since: datetime) -> Statistics:
        days = (TODAY - since.date()).days + 1
        asked.append((name, days))
        if days < 30:
            return Statistics([], [])
        return Statistics(
            [DayTotals("acme", TODAY, 3, 1, 7, 2_000_000), DayTotals("a[red]b", TODAY, 2, 0, 1, 500)],
            [
                ConnectionTotals("a[red]b", 2, 0, 1, 500, None),
                ConnectionTotals("acme", 3, 1, 7, 2_000_000, 61.0),
            ],
        )

    monkeypatch.setattr(engine.store, "statistics", statistics)
    return asked


async def test_totals_of_all_connections(
    app: WharfApp, asked: list[tuple[str | None, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[list[Day]] = []
    monkeypatch.setattr(DayPlot, "show", lambda _self, days, *_args, **_more: drawn.append(days))
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("T")
        await settle(pilot)
        text = screen_text(app)
        assert "totals of all" in text
        for said in ("last 30 days", "5 runs", "2.0 MB", "1 failed", "66.7%", "100%", "1 m 01 s", "a[red]b"):
            assert said in text
        await pilot.press("b")
        assert drawn[-2:] == [[Day(TODAY, 5, 4)], [Day(TODAY, 2_000_500, 2_000_500)]]
        await pilot.press("plus", "plus")
        await pilot.press("minus", "minus")
        await settle(pilot)
        assert [days for days, _ in groupby(days for _, days in asked)] == [30, 90, 30, 7]
        assert "No run has ended in the last 7 days" in screen_text(app)
        await pilot.press("escape")
        assert "Connections" in screen_text(app)


async def test_totals_of_one_connection_are_read_again_when_something_was_written(
    app: WharfApp, engine: FakeEngine, asked: list[tuple[str | None, int]]
) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("T")
        await settle(pilot)
        reads = len(asked)
        assert {name for name, _ in asked} <= {"acme", "a[red]b"}
        assert isinstance(app.focused, RowTable)
        await engine.ran("acme")
        app.bridge.sample()
        await settle(pilot)
        assert len(asked) == reads + 1


def test_a_plot_has_a_place_for_every_day() -> None:
    begin = datetime(2026, 2, 25, tzinfo=UTC).date()
    for days in (7, 30, 90):
        ticks = _ticks(begin, begin + timedelta(days=days - 1))
        assert ticks[0] == begin.toordinal()
        assert 4 <= len(ticks) <= 8
        assert ticks[-1] < begin.toordinal() + days


@pytest.mark.parametrize("plain", [False, True])
async def test_what_has_failed_is_told_apart_without_its_colour(engine: FakeEngine, plain: bool) -> None:
    await engine.add("acme")
    for status in (Status.COMPLETED, Status.FAILED):
        run = await engine.ran("acme", status)
        now = datetime.now(UTC)
        engine.store.all_runs[run.run_id] = run._replace(started=now, ended=now)
    app = WharfApp(cast("Engine", engine), Settings(ascii=plain))
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("T")
        await settle(pilot)
        legend, *rest = screen_text(app).splitlines()[1:]
    sound, failed = "#x" if plain else (SOUND, FAILED)
    assert f"completed {sound} below, failed {failed} above" in legend
    heights = {sign: next(place for place, line in enumerate(rest) if sign in line) for sign in (sound, failed)}
    assert heights[failed] < heights[sound]

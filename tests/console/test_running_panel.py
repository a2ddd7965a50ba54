"""The runs in progress, below the connections."""

from tests.console.conftest import lines_of, settle
from tests.console.connection_support import screen_text
from tests.console.fakes import FakeEngine
from tui.console.app import WharfApp
from tui.console.widgets.running_panel import RunningPanel
from tui.domain.run import Progress
from tui.engine.live import WAITING_FOR_PLACE


async def test_running_transfers_are_shown_live(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme", "borealis")
    async with app.run_test(size=(140, 30)) as pilot:
        await settle(pilot)
        panel = app.screen.query_one(RunningPanel)
        assert not panel.display
        await pilot.press("r")
        engine.progress("acme", Progress(3, 8, 5_000_000, 20_000_000, "a.csv"), speed=1_400_000, time_left=11)
        await settle(pilot)
        line = next(line for line in lines_of(app) if "%" in line)
        for words in ("acme", "25%", "3/8 files", "5.0 MB of 20 MB", "1.4 MB/s", "11 s left", "a.csv"):
            assert words in line
        assert "▶ In Progress" in next(
            line for line in lines_of(app) if line.split()[:1] == ["acme"] and "%" not in line
        )
        engine.progress("acme", Progress(3, 8, 10_000_000, 20_000_000), note="retry 2 of 3 in 14 s")
        await settle(pilot)
        assert "retry 2 of 3 in 14 s" in next(line for line in lines_of(app) if "50%" in line)
        await engine.end("acme")
        await settle(pilot)
        assert not panel.display
        assert "✓ Completed" in next(line for line in lines_of(app) if line.split()[:1] == ["acme"] and "%" not in line)


async def test_more_runs_than_lines_are_counted(app: WharfApp, engine: FakeEngine) -> None:
    for number in range(8):
        await engine.add(f"c{number}")
        await engine.start(f"c{number}")
    async with app.run_test(size=(80, 30)) as pilot:
        await settle(pilot)
        assert "and 3 more" in screen_text(app)
        assert "Running  8 transfers" in screen_text(app)


async def test_the_panel_says_how_far_all_are_and_who_waits_for_a_turn(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a", "b", "c", "d")
    for name in "abcd":
        await engine.start(name)
    engine.progress("a", Progress(current=WAITING_FOR_PLACE), speed=0, time_left=None)
    engine.progress("b", Progress(1, 3, 1_000_000, 4_000_000), speed=2_000_000)
    engine.progress("c", Progress(2, 5, 3_000_000, 6_000_000), speed=1_000_000)
    engine.progress("d", Progress(current=WAITING_FOR_PLACE), speed=0, time_left=None)
    async with app.run_test(size=(140, 30)) as pilot:
        await settle(pilot)
        title = next(line for line in lines_of(app) if line.lstrip().startswith("Running"))
        for words in ("2 transfers", "2 waiting", "3/8 files", "4.0 MB of 10 MB", "3.0 MB/s"):
            assert words in title
        panel = app.screen.query_one(RunningPanel)
        first = next(iter(panel.render_line(0)))
        assert first.style is not None
        assert first.style.bold
        assert [run.connection for run in panel.runs] == ["b", "c", "a", "d"]
        assert WAITING_FOR_PLACE in panel.text_of(3)

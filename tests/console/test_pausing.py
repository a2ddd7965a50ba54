"""Pause and retry from the screens."""

from typing import Any

from textual.pilot import Pilot

from tests.console.conftest import lines_of, settle
from tests.console.fakes import FakeEngine
from tui.console.app import WharfApp
from tui.domain.failure import Failure, FailureClass
from tui.domain.run import FileRecord, FileStatus, Progress, Status

CUT = Failure(FailureClass.NETWORK, "Cut.", "Run it again.")


def told(app: WharfApp) -> str:
    return "\n".join(message.sentence for message in app.messages)


def paused(engine: FakeEngine) -> set[str]:
    return {name for name, run in engine.live.items() if run.paused}


async def running(pilot: Pilot[Any], engine: FakeEngine, *names: str, here: bool = True) -> None:
    for name in names:
        await engine.start(name)
        engine.progress(name, Progress(1, 2, 50, 100), here=here)
    app = pilot.app
    assert isinstance(app, WharfApp)
    app.bridge.sample()
    await settle(pilot)


async def test_a_run_is_paused_and_goes_on_by_the_same_key(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme", "borealis")
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("p")
        assert "acme is not running" in told(app)
        await running(pilot, engine, "acme")
        await pilot.press("p")
        assert paused(engine) == {"acme"}
        app.bridge.sample()
        await settle(pilot)
        assert any("paused" in line for line in lines_of(app))
        await pilot.press("p")
        assert paused(engine) == set()


async def test_all_runs_of_this_process_are_paused_together(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme", "borealis", "cobalt")
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("P")
        assert "Nothing is running here" in told(app)
        await running(pilot, engine, "acme", "borealis")
        await running(pilot, engine, "cobalt", here=False)
        await pilot.press("P")
        assert paused(engine) == {"acme", "borealis"}
        app.bridge.sample()
        await settle(pilot)
        await pilot.press("P")
        assert paused(engine) == set()


async def test_a_run_of_another_process_cannot_be_paused(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await running(pilot, engine, "acme", here=False)
        await pilot.press("p")
        await settle(pilot)
        assert "not executed here" in told(app)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("p")
        assert told(app).count("not executed here") == 2


async def test_only_the_failed_files_are_retried(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    files = [
        FileRecord("a.csv", 1, 1, FileStatus.COMPLETED),
        FileRecord("b[/red].csv", 1, 0, FileStatus.FAILED, failure=CUT),
        FileRecord("c.csv", 1, 0, FileStatus.FAILED, failure=CUT),
    ]
    await engine.ran("acme", Status.FAILED, failure=CUT, files=files)
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("R")
        await settle(pilot)
        assert engine.started == ["acme"]
        assert engine.only == {"b[/red].csv", "c.csv"}
        await engine.end("acme", Status.COMPLETED)
        app.bridge.sample()
        await settle(pilot)
        await pilot.press("g", "R")
        await settle(pilot)
        assert "has no failed files" in told(app)
        assert engine.started == ["acme"]

"""The home screen: what is done with the connection under the cursor or all that are marked."""

from tests.console.conftest import lines_of, settle
from tests.console.connection_support import screen_text, shown, table, told
from tests.console.fakes import FakeEngine
from tui.console.app import WharfApp
from tui.console.dialogs.confirm import ConfirmDialog
from tui.domain.connection_file import read_connections


async def test_delete_asks_and_enter_alone_does_no_harm(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a", "b")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("d")
        assert isinstance(app.screen, ConfirmDialog)
        assert "Delete a?" in screen_text(app)
        await pilot.press("enter")
        assert set(engine.store.all) == {"a", "b"}
        await pilot.press("d", "y")
        await pilot.pause()
        assert set(engine.store.all) == {"b"}
        assert shown(app) == ["b"]


async def test_delete_means_what_was_under_the_cursor_when_asked(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("b", "c")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("d")
        await engine.add("a")
        await settle(pilot)
        await pilot.press("y")
        await pilot.pause()
        assert set(engine.store.all) == {"a", "c"}


async def test_run_and_cancel(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a", "b")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("j", "r")
        await pilot.pause()
        assert engine.started == ["b"]
        await pilot.press("r", "d")
        await pilot.pause()
        assert any("already running" in text for text in told(app))
        assert any("cannot be deleted while running" in text for text in told(app))
        run_id = engine.live["b"].run_id
        await pilot.press("x", "k", "x")
        await pilot.pause()
        assert engine.cancelled == [run_id]
        assert "a is not running." in told(app)


async def test_switching_off_and_on(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("o")
        await pilot.pause()
        assert not engine.store.all["a"].enabled
        assert "a is off." in told(app)
        await pilot.press("r")
        await pilot.pause()
        assert engine.started == []
        assert any("switched off" in text for text in told(app))
        await pilot.press("o", "r")
        await pilot.pause()
        assert engine.started == ["a"]


async def test_marks_are_acted_upon_together(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a", "b", "c")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("space", "j", "space")
        await pilot.pause()
        assert "● 2 marked" in lines_of(app)[0]
        assert any(line.startswith("● a") for line in lines_of(app))
        await pilot.press("r")
        await pilot.pause()
        assert engine.started == ["a", "c"]
        await pilot.press("x")
        await pilot.pause()
        assert len(engine.cancelled) == 2
        await pilot.press("escape", "o")
        await pilot.pause()
        assert "marked" not in lines_of(app)[0]
        assert [name for name, each in engine.store.all.items() if not each.enabled] == ["c"]


async def test_connections_are_copied_as_the_file_that_import_takes(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a", "b", "c")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("j", "y")
        await pilot.pause()
        assert read_connections(app.clipboard) == [engine.store.all["b"]]
        await pilot.press("space", "space", "y")
        await pilot.pause()
        assert [each.name for each in read_connections(app.clipboard)] == ["b", "c"]
        assert "Copied 2 connections as TOML." in told(app)
        many = [f"{'n' * 50}{number}" for number in range(200)]
        await engine.add(*many)
        await settle(pilot)
        table(app).mark(many)
        await pilot.press("y")
        await pilot.pause()
        assert any("`wharf export` writes a file" in text for text in told(app))
        assert len(read_connections(app.clipboard)) == 2

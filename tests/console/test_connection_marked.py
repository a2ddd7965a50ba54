"""The home screen: what is done with the connection under the cursor or all that are marked."""

import re
import stat
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.console.conftest import lines_of, settle
from tests.console.connection_support import screen_text, shown, table, told
from tests.console.fakes import FakeEngine
from tui.console.app import WharfApp
from tui.console.dialogs.confirm import ConfirmDialog
from tui.console.screens.connections import ConnectionsScreen
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
        assert any("w writes a file" in text for text in told(app))
        assert len(read_connections(app.clipboard)) == 2


async def test_marked_connections_are_switched_and_deleted_together(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a", "b", "c", "d")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("space", "j", "space")
        for enabled, word in ((False, "off"), (True, "on")):
            await pilot.press("o")
            await pilot.pause()
            assert {name: each.enabled for name, each in engine.store.all.items()} == {
                "a": enabled,
                "b": True,
                "c": enabled,
                "d": True,
            }
            assert told(app)[-1] == f"2 connections are {word}."
        await pilot.press("d")
        assert "Delete 2 connections?" in screen_text(app)
        await pilot.press("y")
        await pilot.pause()
        assert set(engine.store.all) == {"b", "d"}
        assert table(app).marks == frozenset()


async def test_a_connection_that_fails_keeps_none_of_the_marked_from_their_turn(
    app: WharfApp, engine: FakeEngine
) -> None:
    await engine.add("a", "b", "c")
    await engine.add("off", enabled=False)
    await engine.start("b")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("space", "space", "space", "space", "r")
        await settle(pilot)
        assert engine.started == ["b", "a", "c"]
        assert told(app)[-1] == "2 runs started."
        assert [text for text in told(app) if "b is already running" in text]
        assert "off is switched off." in told(app)


# Export


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder to write to."""
    folder = tmp_path / "exports"
    folder.mkdir()
    return folder


async def write_to(pilot: Pilot[int], path: Path) -> None:
    pilot.app.screen.query_one(Input).value = str(path)
    await pilot.press("enter")
    await written(pilot)


async def written(pilot: Pilot[int]) -> None:
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def test_marked_connections_are_exported_as_the_file_that_import_takes(
    app: WharfApp, engine: FakeEngine, folder: Path
) -> None:
    await engine.add("a", "b", method="ftp")
    await engine.add("c")
    path = folder / "some.toml"
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("space", "j", "space", "w")
        assert "Export 2 connections" in screen_text(app)
        await write_to(pilot, path)
        assert isinstance(app.screen, ConnectionsScreen)
        assert told(app) == [f"2 connections written to {path}"]
    assert read_connections(path.read_text()) == [engine.store.all["a"], engine.store.all["c"]]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in folder.iterdir()] == ["some.toml"]


async def test_without_marks_the_connection_under_the_cursor_is_exported(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a", "b")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("j", "w")
        assert "Export b" in screen_text(app)
        assert re.fullmatch(r"~/wharf-b-\d{8}-\d{6}\.toml", app.screen.query_one(Input).value)
        await pilot.press("escape")
        assert isinstance(app.screen, ConnectionsScreen)


async def test_an_export_replaces_a_file_only_when_told_to(app: WharfApp, engine: FakeEngine, folder: Path) -> None:
    await engine.add("a")
    path = folder / "mine.toml"
    path.write_text("precious")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("w")
        await write_to(pilot, path)
        assert isinstance(app.screen, ConfirmDialog)
        await pilot.press("enter")
        assert path.read_text() == "precious"
        await pilot.press("enter", "y")
        await written(pilot)
        assert isinstance(app.screen, ConnectionsScreen)
    assert read_connections(path.read_text()) == [engine.store.all["a"]]


async def test_an_export_of_a_connection_that_is_gone_says_so_and_writes_nothing(
    app: WharfApp, engine: FakeEngine, folder: Path
) -> None:
    await engine.add("a", "b")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("space", "space", "w")
        await engine.store.delete("b")
        await write_to(pilot, folder / "some.toml")
        assert "There is no connection" in screen_text(app)
        assert list(folder.iterdir()) == []


async def test_a_range_and_all_that_is_shown_can_be_marked(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a1", "a2", "a3", "b1")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("j", "shift+down", "shift+down", "shift+down")
        assert table(app).marks == {"a2", "a3", "b1"}
        await pilot.press("escape", "shift+up")
        assert table(app).marks == {"a3", "b1"}
        await pilot.press("escape", "slash", *"-b1", "enter", "a")
        await settle(pilot)
        assert table(app).marks == {"a1", "a2", "a3"}
        await pilot.press("escape", "a")
        assert table(app).marks == {"a1", "a2", "a3", "b1"}
        await pilot.press("a")
        assert table(app).marks == frozenset()


async def test_all_of_folded_groups_are_marked(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a1", "a2")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("z", "Z", "a")
        assert table(app).marks == {"a1", "a2"}
        await pilot.press("shift+down")
        assert table(app).marks == {"a1", "a2"}

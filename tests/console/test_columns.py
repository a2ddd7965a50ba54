"""The columns of the screens: chosen in a dialog, applied at once, there again the next time."""

from collections.abc import Callable
from typing import cast

import pytest

from tests.console.conftest import lines_of, settle
from tests.console.fakes import FakeEngine
from tui.console.app import WharfApp
from tui.console.palette import ActionCommands
from tui.console.widgets.row_table import RowTable
from tui.domain.failure import Failure, FailureClass
from tui.domain.run import FileRecord, Status
from tui.engine import Engine

Begin = Callable[[], WharfApp]


@pytest.fixture
def begin(engine: FakeEngine) -> Begin:
    """A console over the same engine and the same folders: what a user starts one after the other."""
    return lambda: WharfApp(cast("Engine", engine))


def heading(app: WharfApp) -> list[str]:
    """The labels of the table's columns."""
    beneath_dialogs = next(screen for screen in reversed(app.screen_stack) if screen.query(RowTable))
    table = beneath_dialogs.query_one(RowTable)
    return [column.label for column in table.columns]


def dialog_lines(app: WharfApp) -> list[str]:
    return [line[line.index("[") :].split("│")[0].strip() for line in lines_of(app) if "[x] " in line or "[ ] " in line]


async def test_columns_are_hidden_shown_and_moved_and_remembered(begin: Begin, engine: FakeEngine) -> None:
    await engine.add("acme")
    app = begin()
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        await pilot.press("C")
        await settle(pilot)
        assert dialog_lines(app)[:3] == ["[x] Name                always shown", "[x] Type", "[x] Direction"]
        await pilot.press("space", "j", "space", "j", "J")
        await settle(pilot)
        assert heading(app) == ["Name", "Method", "Direction", "Status", "Last Active", "Actions"]
        assert dialog_lines(app)[:4] == [
            "[x] Name                always shown",
            "[ ] Type",
            "[x] Method",
            "[x] Direction",
        ]
        await pilot.press("K", "end", "enter", "escape")
        await settle(pilot)
        await app.workers.wait_for_complete()
    expected = ["Name", "Direction", "Method", "Status", "Last Active", "Actions", "Last Failure"]
    app = begin()
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        assert heading(app) == expected
        await pilot.press("C", "r", "escape")
        await settle(pilot)
        await app.workers.wait_for_complete()
        assert heading(app) == ["Name", "Type", "Direction", "Method", "Status", "Last Active", "Actions"]
    assert "columns" not in engine.paths.view.read_text()


async def test_the_order_of_rows_is_remembered(begin: Begin, engine: FakeEngine) -> None:
    await engine.add("acme", "borealis")
    app = begin()
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        await pilot.press("S")
        await settle(pilot)
        await app.workers.wait_for_complete()
    app = begin()
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        assert "Name▼" in lines_of(app)[2]
        assert lines_of(app)[3].split()[0] == "borealis"


async def test_rows_are_sorted_by_the_columns_that_are_shown(begin: Begin, engine: FakeEngine) -> None:
    await engine.add("acme", "borealis")
    app = begin()
    app.remembered.change("connections", columns=("name", "local_dir", "bytes"))
    await app.remembered.save("connections")
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        for expected in ("Local Folder▲", "Last Bytes▼", "Name▲"):
            await pilot.press("s")
            await settle(pilot)
            assert expected in lines_of(app)[2]


async def test_every_column_says_what_it_is_called_for(begin: Begin, engine: FakeEngine) -> None:
    await engine.add("acme")
    failure = Failure(FailureClass.AUTH, "The server refused [/red] \x1b]0; the login.", "Check the secret.")
    await engine.ran("acme", Status.FAILED, failure=failure, files=[FileRecord("a.csv", 3_000_000, 1_500_000)])
    app = begin()
    columns = ("name", "enabled", "host", "address", "local_dir", "pattern", "bytes", "took", "failure")
    app.remembered.change("connections", columns=columns)
    await app.remembered.save("connections")
    async with app.run_test(size=(220, 40)) as pilot:
        await settle(pilot)
        line = next(line for line in lines_of(app) if line.strip().startswith("acme"))
        told = (
            "on ",
            "sftp.acme.example ",
            "sftp://wharf@sftp.acme.example:22/",
            "/batches ",
            "*.csv ",
            "1.5 MB",
            "1 m 30 s",
        )
        for words in (*told, "auth: The server refused [/red] "):
            assert words in line


async def test_a_damaged_file_is_told_and_the_screen_is_there(begin: Begin, engine: FakeEngine) -> None:
    engine.paths.prepare()
    engine.paths.view.write_text("[connections\x00")
    await engine.add("acme")
    app = begin()
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        assert "is not valid TOML" in next(iter(app.messages)).sentence
        assert heading(app)[0] == "Name"
        await pilot.press("S")
        await app.workers.wait_for_complete()
    assert "sorted_by" in engine.paths.view.read_text()


async def test_the_history_of_all_and_of_one_have_columns_of_their_own(begin: Begin, engine: FakeEngine) -> None:
    await engine.add("acme")
    await engine.ran("acme", Status.FAILED)
    app = begin()
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        await pilot.press("h", "C", "j", "space", "escape")
        await settle(pilot)
        assert heading(app)[:2] == ["Started", "Trigger"]
        commands = {command.title: command for command in ActionCommands(app.screen).commands()}
        assert commands["History: Columns"].about == "key C"
        await pilot.press("escape", "enter", "C", "j", "j", "space", "escape")
        await settle(pilot)
        assert heading(app)[:3] == ["Started", "Trigger", "Files"]
        await pilot.press("escape", "h")
        await settle(pilot)
        assert heading(app)[:3] == ["Started", "Trigger", "Status"]


async def test_the_columns_that_a_history_has_besides(begin: Begin, engine: FakeEngine) -> None:
    await engine.add("acme")
    await engine.ran(
        "acme",
        Status.FAILED,
        failure=Failure(FailureClass.AUTH, "refused", "Check it."),
        files=[FileRecord("a.csv", 3_000_000, 900_000)],
    )
    app = begin()
    columns = ("started", "run", "ended", "attempts", "speed", "failure")
    app.remembered.change("history", columns=columns)
    await app.remembered.save("history")
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        await pilot.press("h")
        await settle(pilot)
        line = next(line for line in lines_of(app) if "10 kB/s" in line)
        # A day, a time, the number of the run, when it ended, its attempts.
        assert line.split()[2] == "1"
        assert line.split()[4:] == ["1", "10", "kB/s", "auth"]


async def test_read_only_chooses_for_as_long_as_it_runs(begin: Begin, engine: FakeEngine) -> None:
    engine.read_only = True
    await engine.add("acme")
    app = begin()
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        await pilot.press("C", "j", "space", "escape")
        await settle(pilot)
        await app.workers.wait_for_complete()
        assert heading(app)[:2] == ["Name", "Direction"]
    assert not engine.paths.view.exists()

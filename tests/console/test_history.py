"""The history of one connection and of all: live, paged, filtered, and what can be done with a run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.console.conftest import lines_of, settle
from tests.console.fakes import FakeEngine
from tui.console.app import WharfApp
from tui.console.dialogs.confirm import ConfirmDialog
from tui.console.dialogs.export import ExportDialog
from tui.console.screens.connections import ConnectionsScreen
from tui.console.screens.history import HistoryScreen
from tui.console.screens.history_days import Row
from tui.console.screens.history_list import PAGE
from tui.console.screens.run import RunScreen
from tui.console.widgets.row_table import RowTable
from tui.console.widgets.run_text import Entry
from tui.domain.as_json import run_json
from tui.domain.failure import Failure, FailureClass, StoreProblem
from tui.domain.run import FileRecord, FileStatus, Progress, Run, Status, Trigger

REFUSED = Failure(
    FailureClass.AUTH,
    "The server refused the login [/red] of wharf: it takes public keys only, and none that was offered is known to it "
    "or to the directory that it asks. \x1b]0;owned\x07",
    "Check the username and the secret with the partner; a refused login is not retried.",
)


async def opened(pilot: Pilot[Any], name: str | None = None) -> None:
    app = pilot.app
    assert isinstance(app, WharfApp)
    await settle(pilot)
    await app.push_screen(HistoryScreen(app.engine, name))
    await settle(pilot)


async def all_read(pilot: Pilot[Any]) -> None:
    """Let the pages that are on their way arrive."""
    for _ in range(5):
        await settle(pilot)


def table(app: WharfApp) -> RowTable[Row]:
    return app.screen.query_one(RowTable)


def shown(app: WharfApp) -> list[int]:
    return [row.run_id for row in table(app).items if isinstance(row, Entry)]


def current(app: WharfApp) -> int:
    entry = table(app).current
    assert isinstance(entry, Entry)
    return entry.run_id


def screen_text(app: WharfApp) -> str:
    return "\n".join(lines_of(app))


def told(app: WharfApp) -> str:
    return "\n".join(message.sentence for message in app.messages)


def line_of(app: WharfApp, text: str) -> str:
    """The first line of the table that contains a text."""
    return next(line for line in lines_of(app)[3:] if text in line)


async def typed(pilot: Pilot[Any], text: str) -> None:
    names = {":": "colon", " ": "space", "-": "minus", ",": "comma"}
    await pilot.press("slash", *(names.get(letter, letter) for letter in text), "enter")
    await settle(pilot)


# What is shown


@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
async def test_newest_first_with_everything_there_is_to_know(
    app: WharfApp, engine: FakeEngine, size: tuple[int, int]
) -> None:
    await engine.add("acme", "globex")
    files = [FileRecord("a.csv", 1_500_000, 1_500_000, FileStatus.COMPLETED)] * 3
    await engine.ran("acme", files=files)
    await engine.ran("globex", Status.FAILED, failure=REFUSED)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        assert shown(app) == [2, 1]
        assert "Connection" in screen_text(app)
        done = line_of(app, "✓ Completed")
        for words in ("acme", "3/3", "4.5 MB", "1 m 30 s"):
            assert words in done
        failed = line_of(app, "✗ Failed")
        for words in ("globex", "0/0", "auth: "):
            assert words in failed


async def test_one_connection_has_no_column_for_its_name(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme", "globex")
    await engine.ran("acme")
    await engine.ran("globex")
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "acme")
        assert shown(app) == [1]
        assert "Connections › acme" in screen_text(app)
        assert "Connection" not in screen_text(app).replace("Connections", "")
        assert "manual" in line_of(app, "✓ Completed")


@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
async def test_failure_and_remedy_stand_in_full_below(app: WharfApp, engine: FakeEngine, size: tuple[int, int]) -> None:
    await engine.add("acme")
    await engine.ran("acme", Status.FAILED, failure=REFUSED)
    async with app.run_test(size=size) as pilot:
        await opened(pilot, "acme")
        words = " ".join(screen_text(app).split())
        assert "of wharf: it takes public keys only, and none that was offered is known to it or to the" in words
        assert "[/red]" in words
        assert r"\x1b]0;owned\x07" in words
        assert "Check the username and the secret with the partner; a refused login is not retried." in words


async def test_an_empty_history_says_what_to_press(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    async with app.run_test() as pilot:
        await opened(pilot, "acme")
        assert "No runs yet" in screen_text(app)
        await pilot.press("x", "y", "w", "enter")
        assert "There is no run to be cancelled." in told(app)
        assert "There is no run to export." in told(app)
        await pilot.press("r")
        await settle(pilot)
        assert shown(app) == [1]
        assert engine.store.all_runs[1].trigger is Trigger.MANUAL


async def test_a_store_that_cannot_be_read_is_told(
    app: WharfApp, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.add("acme")
    await engine.ran("acme")
    async with app.run_test() as pilot:
        await opened(pilot, "acme")

        async def broken(*_args: object, **_options: object) -> list[Run]:
            raise StoreProblem("The disk [/] is full.")

        monkeypatch.setattr(engine.store, "runs", broken)
        engine.store.bump()
        await settle(pilot)
        assert "The disk [/] is full." in told(app)
        assert shown(app) == [1]


# Live


async def test_a_running_run_goes_on_while_it_is_watched(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    await engine.start("acme")
    async with app.run_test(size=(140, 45)) as pilot:
        await opened(pilot, "acme")
        engine.progress("acme", Progress(1, 4, 3_000_000, 9_000_000, "b.csv"), speed=2_000_000)
        await settle(pilot)
        for words in ("1/4", "3.0 MB", "2.0 MB/s", "b.csv"):
            assert words in line_of(app, "▶ In Progress")
        engine.progress("acme", Progress(2, 4, 6_000_000, 9_000_000), note="retry 2 of 3 in 14 s")
        await settle(pilot)
        for words in ("2/4", "6.0 MB", "retry 2 of 3 in 14 s"):
            assert words in line_of(app, "▶ In Progress")
        await engine.end("acme", Status.FAILED, REFUSED)
        await settle(pilot)
        assert "auth: The server refused" in line_of(app, "✗ Failed")
        assert "▶" not in screen_text(app)


async def test_new_runs_on_top_leave_the_cursor_on_its_run(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme", "globex")
    for _ in range(30):
        await engine.ran("acme")
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press(*"jjj")
        assert current(app) == 27
        await engine.ran("globex")
        await settle(pilot)
        assert shown(app)[0] == 31
        assert current(app) == 27
        await pilot.press("G")
        before = [line[:-2] for line in lines_of(app)[3:10]]
        for _ in range(3):
            await engine.ran("globex")
        await settle(pilot)
        assert current(app) == 1
        assert [line[:-2] for line in lines_of(app)[3:10]] == before


async def test_many_new_runs_at_once_leave_no_gap(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    await engine.ran("acme")
    async with app.run_test() as pilot:
        await opened(pilot)
        for _ in range(2 * PAGE + 50):
            await engine.ran("acme")
        await settle(pilot)
        assert shown(app) == list(range(2 * PAGE + 51, 0, -1))


async def test_a_run_far_down_is_seen_to_end(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("slow", "acme")
    await engine.start("slow")
    for _ in range(PAGE + 10):
        await engine.ran("acme")
    async with app.run_test() as pilot:
        await opened(pilot)
        await pilot.press("G", "G")
        await all_read(pilot)
        await pilot.press("G")
        assert current(app) == 1
        assert "▶ In Progress" in screen_text(app)
        await engine.end("slow")
        await settle(pilot)
        assert "▶ In Progress" not in screen_text(app)


# Paging and filter


async def test_pages_are_read_as_the_cursor_comes_near_the_end(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    for _ in range(350):
        await engine.ran("acme")
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await all_read(pilot)
        assert len(shown(app)) == PAGE
        assert "100 of 100+ shown" in screen_text(app)
        for pages in (2, 3, 4):
            await pilot.press("G")
            await all_read(pilot)
            assert len(shown(app)) == min(pages * PAGE, 350)
        await pilot.press("G")
        assert current(app) == 1
        assert "350 of 350 shown" in screen_text(app)


async def test_the_filter_finds_runs_on_pages_not_read_before(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme", "globex")
    await engine.ran("globex", Status.FAILED, failure=REFUSED)
    for _ in range(320):
        await engine.ran("acme")
    async with app.run_test() as pilot:
        await opened(pilot)
        await typed(pilot, "status:failed globex")
        await all_read(pilot)
        assert shown(app) == [1]
        assert "1 shown" in screen_text(app)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("globex", [2]),
        ("trigger:command", [3]),
        ("failure:auth,network", [2]),
        ("status:failed", [2]),
        ("status:comp acme", [3, 1]),
        ("public keys", [2]),
    ],
)
async def test_words_and_terms(app: WharfApp, engine: FakeEngine, text: str, expected: list[int]) -> None:
    await engine.add("acme", "globex")
    await engine.ran("acme")
    await engine.ran("globex", Status.FAILED, failure=REFUSED)
    run = await engine.ran("acme")
    engine.store.all_runs[run.run_id] = run._replace(trigger=Trigger.COMMAND_LINE)
    async with app.run_test() as pilot:
        await opened(pilot)
        await typed(pilot, text)
        assert shown(app) == expected
        # With a status only runs of it are read: nobody knows how many others there are.
        of_all = "" if "status:" in text else " of 3"
        assert f"{len(expected)}{of_all} shown" in screen_text(app)
        await pilot.press("escape")
        await settle(pilot)
        assert shown(app) == [3, 2, 1]


async def test_an_unknown_term_is_explained_and_hides_nothing(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    await engine.ran("acme")
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(pilot)
        await typed(pilot, "statsu:failed")
        assert "did you mean status:?" in screen_text(app)
        assert shown(app) == [1]


async def test_nothing_found_says_so(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    await engine.ran("acme")
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(pilot)
        await typed(pilot, "status:failed")
        assert "No run matches the filter" in screen_text(app)


# What can be done


async def test_retry_starts_the_connection_again(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    await engine.ran("acme", Status.FAILED, failure=REFUSED)
    async with app.run_test() as pilot:
        await opened(pilot)
        await pilot.press("r")
        await settle(pilot)
        assert engine.store.all_runs[2].trigger is Trigger.RETRY
        assert "Run 2 of acme started." in told(app)
        assert shown(app) == [2, 1]
        assert current(app) == 1
        await pilot.press("r")
        assert "acme is running already (run 2)" in told(app)
        assert engine.started == ["acme"]


async def _disable(engine: FakeEngine) -> None:
    await engine.store.save(engine.store.all["acme"].model_copy(update={"enabled": False}), replacing="acme")


async def _delete(engine: FakeEngine) -> None:
    await engine.store.delete("acme")


@pytest.mark.parametrize(
    ("change", "reason"), [(_disable, "switched off"), (_delete, "There is no connection acme any")]
)
async def test_retry_says_why_not(app: WharfApp, engine: FakeEngine, change: Callable[..., Any], reason: str) -> None:
    await engine.add("acme")
    await engine.ran("acme")
    await change(engine)
    async with app.run_test() as pilot:
        await opened(pilot)
        await pilot.press("r")
        await pilot.pause()
        assert reason in told(app)
        assert engine.started == []


async def test_cancel_is_for_running_runs(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    await engine.ran("acme")
    await engine.start("acme")
    async with app.run_test() as pilot:
        await opened(pilot)
        await pilot.press("x")
        assert engine.cancelled == [2]
        await pilot.press("j", "x")
        assert engine.cancelled == [2]
        assert "Run 1 is not running; it has ended as Completed." in told(app)


async def test_copy_puts_the_message_on_the_clipboard(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    await engine.ran("acme", Status.FAILED, failure=REFUSED)
    await engine.ran("acme")
    async with app.run_test() as pilot:
        await opened(pilot)
        await pilot.press("y")
        assert "Run 2 has no message to copy." in told(app)
        await pilot.press("j", "y")
        assert app.clipboard.startswith("The server refused the login [/red] of wharf")
        assert "\x1b" not in app.clipboard


async def test_from_the_home_screen_and_back(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    await engine.ran("acme")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("h")
        await settle(pilot)
        assert isinstance(app.screen, HistoryScreen)
        await pilot.press("enter")
        await settle(pilot)
        assert isinstance(app.screen, RunScreen)
        await pilot.press("escape")
        assert isinstance(app.screen, HistoryScreen)
        await pilot.press("escape")
        assert isinstance(app.screen, ConnectionsScreen)
        await settle(pilot)
        assert app.is_running


# Export


async def test_export_writes_what_is_filtered_and_asks_before_it_replaces(
    app: WharfApp, engine: FakeEngine, tmp_path: Path
) -> None:
    await engine.add("acme")
    await engine.ran("acme", files=[FileRecord("=a.csv", 1, 1, FileStatus.COMPLETED)])
    failed = await engine.ran("acme", Status.FAILED, failure=REFUSED)
    path = tmp_path / "runs.json"
    path.write_text("precious")
    async with app.run_test() as pilot:
        await opened(pilot)
        await typed(pilot, "status:failed")
        await pilot.press("w")
        assert isinstance(app.screen, ExportDialog)
        await pilot.press("tab", "right")
        field = app.screen.query_one(Input)
        assert field.value.endswith(".json")
        assert "The runs that the filter lets through, as JSON." in screen_text(app)
        field.value = str(path)
        await pilot.press("enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert isinstance(app.screen, ConfirmDialog)
        assert path.read_text() == "precious"
        await pilot.press("y")
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert isinstance(app.screen, HistoryScreen)
    assert json.loads(path.read_text()) == [run_json(failed, [])]


async def test_export_that_fails_stays_open_and_says_why(app: WharfApp, engine: FakeEngine, tmp_path: Path) -> None:
    await engine.add("acme")
    await engine.ran("acme")
    async with app.run_test() as pilot:
        await opened(pilot)
        await pilot.press("w")
        app.screen.query_one(Input).value = str(tmp_path / "nowhere" / "a.csv")
        await pilot.press("enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert isinstance(app.screen, ExportDialog)
        assert "cannot be written" in screen_text(app)
        await pilot.press("escape")
        assert isinstance(app.screen, HistoryScreen)


@pytest.mark.parametrize(("name", "said"), [("acme", "network: The line"), (None, "network: T")])
async def test_where_there_is_little_room_the_outcome_can_be_read(
    app: WharfApp, engine: FakeEngine, name: str | None, said: str
) -> None:
    await engine.add("acme")
    await engine.ran("acme", Status.FAILED, failure=Failure(FailureClass.NETWORK, "The line broke.", "Try again."))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, name)
        heading, line = (next(each for each in lines_of(app) if word in each) for word in ("Outcome", "network:"))
        assert line[heading.index("Outcome") :].startswith(said)
        assert "✗ Failed" in line

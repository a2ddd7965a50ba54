"""One run: outcome, files and events, while it runs and afterwards."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot
from textual.widgets import Static

from tests.console.conftest import lines_of, settle
from tests.console.fakes import NOW, FakeEngine
from tui.console.app import WharfApp
from tui.console.screens.run import RunScreen
from tui.console.screens.run_rows import FileLines, place_of
from tui.console.widgets.row_table import RowTable
from tui.domain.failure import Failure, FailureClass
from tui.domain.run import Event, FileRecord, FileStatus, Progress, Status, Trigger
from tui.store.base import FileChanges

REFUSED = Failure(FailureClass.INTEGRITY, "b.csv has another size [/] on the other side.", "Run it again [red] now.")
PROOF = "sizes and hashes equal"
FILES = [
    FileRecord("a.csv", 2_000_000, 2_000_000, FileStatus.COMPLETED, "ab12" * 16, PROOF, None, 1200, 3),
    FileRecord("b[/red].csv", 4_000_000, 1_000_000, FileStatus.FAILED, failure=REFUSED),
]
EVENTS = [
    Event(NOW + timedelta(milliseconds=7), "connect", "sftp.acme.example:22", ms=31.25),
    Event(NOW + timedelta(milliseconds=1042), "copy", "b[/red].csv \x1b[2J stopped", ok=False),
]


def steps(number: int, first: int = 0) -> list[Event]:
    return [Event(NOW + timedelta(seconds=place), "copy", f"step {place}") for place in range(first, first + number)]


async def opened(pilot: Pilot[Any], run_id: int) -> None:
    app = pilot.app
    assert isinstance(app, WharfApp)
    await settle(pilot)
    await app.push_screen(RunScreen(app.engine, run_id))
    await settle(pilot)


async def failed_run(engine: FakeEngine) -> int:
    await engine.add("acme")
    run = await engine.ran("acme", Status.FAILED, failure=REFUSED, files=FILES, events=EVENTS)
    return run.run_id


def screen_text(app: WharfApp) -> str:
    return "\n".join(lines_of(app))


def told(app: WharfApp) -> str:
    return "\n".join(message.sentence for message in app.messages)


def chip(app: WharfApp) -> str:
    return str(app.screen.query_one("#run-new", Static).render())


def events_of(app: WharfApp) -> RowTable[Any]:
    return app.screen.query_one("#events", RowTable)


@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
async def test_the_outcome_stands_on_top_and_the_files_below(
    app: WharfApp, engine: FakeEngine, size: tuple[int, int]
) -> None:
    run_id = await failed_run(engine)
    async with app.run_test(size=size) as pilot:
        await opened(pilot, run_id)
        text = screen_text(app)
        for words in ("run 1 of acme", "✗ Failed  manual", "1 m 30 s", "integrity", REFUSED.message, REFUSED.remedy):
            assert words in text
        first = next(line for line in lines_of(app) if line.lstrip().startswith("a.csv"))
        for words in ("2.0 MB", "100%", "✓ completed", "ab12ab12", PROOF[:10]):
            assert words in first
        assert "ab12" * 16 in text
        assert "1,200 records, 3 rejected" in text
        second = next(line for line in lines_of(app) if line.lstrip().startswith("b[/red].csv"))
        for words in ("4.0 MB", "25%", "✗ failed", "integrity: b.csv"):
            assert words in second
        await pilot.press("j")
        await pilot.pause()
        assert screen_text(app).count(REFUSED.remedy) == 2


@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
async def test_events_with_milliseconds_signs_and_details(
    app: WharfApp, engine: FakeEngine, size: tuple[int, int]
) -> None:
    run_id = await failed_run(engine)
    async with app.run_test(size=size) as pilot:
        await opened(pilot, run_id)
        await pilot.press("tab")
        await pilot.pause()
        first = next(line for line in lines_of(app) if "connect" in line)
        for words in (":00.007", "✓", "sftp.acme.example:22", "31.2"):
            assert words in first
        second = next(line for line in lines_of(app) if "stopped" in line)
        for words in (":01.042", "✗", r"b[/red].csv \x1b[2J stopped"):
            assert words in second
        await pilot.press("tab")
        await pilot.pause()
        assert "SHA-256" in screen_text(app)


async def test_a_click_turns_the_tabs(app: WharfApp, engine: FakeEngine) -> None:
    run_id = await failed_run(engine)
    async with app.run_test() as pilot:
        await opened(pilot, run_id)
        await pilot.click("#tab-events")
        await settle(pilot)
        assert "What happened" in screen_text(app)


async def test_a_running_run_shows_how_far_it_is(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    run = await engine.start("acme")
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(pilot, run.run_id)
        assert "No files yet" in screen_text(app)
        await engine.store.record_files(run.run_id, {0: FileRecord("a.csv", 100, 20, FileStatus.IN_PROGRESS)})
        engine.progress("acme", Progress(0, 1, 20, 100, "a.csv"), speed=3_000_000)
        await settle(pilot)
        for words in ("▶ In Progress", "0 of 1 file", "20 B", "3.0 MB/s", "20%", "▶ in progress"):
            assert words in screen_text(app)
        await engine.store.record_files(run.run_id, {0: FileRecord("a.csv", 100, 100, FileStatus.COMPLETED)})
        await engine.end("acme")
        await settle(pilot)
        assert "✓ Completed" in screen_text(app)
        assert "100%" in screen_text(app)
        assert "▶" not in screen_text(app)


async def test_events_are_followed_only_from_the_end(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    run = await engine.start("acme")
    await engine.store.record_events(run.run_id, steps(50))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, run.run_id)
        await pilot.press("tab")
        await settle(pilot)
        assert "step 49" in screen_text(app)
        await engine.store.record_events(run.run_id, steps(30, 50))
        await settle(pilot)
        assert "step 79" in screen_text(app)
        assert chip(app) == ""
        await pilot.press("k", "k")
        await engine.store.record_events(run.run_id, steps(30, 80))
        await settle(pilot)
        assert events_of(app).cursor == 77
        assert "step 109" not in screen_text(app)
        assert chip(app) == "+30 new"
        assert "+30 new" in screen_text(app)
        await pilot.click("#run-new")
        await settle(pilot)
        assert "step 109" in screen_text(app)
        assert chip(app) == ""


async def test_what_was_there_before_the_screen_is_not_new(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    run = await engine.start("acme")
    await engine.store.record_events(run.run_id, steps(50))
    await engine.end("acme")
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, run.run_id)
        await pilot.press("tab")
        await settle(pilot)
        assert "step 0" in screen_text(app)
        assert chip(app) == ""


async def test_an_ended_run_is_not_read_again_and_again(
    app: WharfApp, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = await failed_run(engine)
    read = files_read(engine, monkeypatch)
    async with app.run_test() as pilot:
        await opened(pilot, run_id)
        for _ in range(3):
            engine.store.bump()
            await settle(pilot)
        assert read == [0, 1]


async def test_of_a_running_run_only_what_has_changed_is_read_again(
    app: WharfApp, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.add("acme")
    run = await engine.start("acme")
    await engine.store.record_files(run.run_id, {place: FileRecord(f"{place}.csv", 100) for place in range(200)})
    read = files_read(engine, monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, run.run_id)
        assert sorted(read) == list(range(200))
        read.clear()
        await engine.store.record_files(run.run_id, {2: FileRecord("2.csv", 100, 37, FileStatus.IN_PROGRESS)})
        await settle(pilot)
        assert read == [2]
        (line,) = [line for line in lines_of(app) if "37%" in line]
        assert line.lstrip().startswith("2.csv")
        await engine.store.record_files(run.run_id, {200: FileRecord("last.csv", 100)})
        await settle(pilot)
        assert read == [2, 200]
        await pilot.press("G")
        await settle(pilot)
        assert "last.csv" in screen_text(app)


def files_read(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The places of the files that are read from the store from now on."""
    read: list[int] = []
    changed_files = engine.store.changed_files

    async def noted(run_id: int, *, since: int = 0) -> FileChanges:
        changes = await changed_files(run_id, since=since)
        read.extend(changes.files)
        return changes

    monkeypatch.setattr(engine.store, "changed_files", noted)
    return read


@given(st.lists(st.dictionaries(st.integers(0, 9), st.builds(FileRecord, st.text(max_size=2), st.integers(0, 9)))))
def test_lines_brought_up_to_date_are_those_of_the_files(writes: list[dict[int, FileRecord]]) -> None:
    lines, files = FileLines(), dict[int, FileRecord]()
    for revision, written in enumerate(writes, 1):
        lines.take(FileChanges(revision, written))
        files |= written
        assert lines.lines == sorted(files.items(), key=place_of)
        assert lines.revision == revision


async def test_a_long_list_is_walked_quickly_to_its_end(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    many = [FileRecord(f"{place}.csv", 1, 1, FileStatus.COMPLETED) for place in range(20_000)]
    run = await engine.ran("acme", files=many)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, run.run_id)
        await pilot.press("G")
        await settle(pilot)
        assert "19999.csv" in screen_text(app)
        await pilot.press("g", "pagedown")
        await pilot.pause()
        assert "19999.csv" not in screen_text(app)


async def test_cancel_retry_and_copy(app: WharfApp, engine: FakeEngine) -> None:
    run_id = await failed_run(engine)
    async with app.run_test() as pilot:
        await opened(pilot, run_id)
        await pilot.press("x")
        assert "Run 1 is not running; it has ended as Failed." in told(app)
        await pilot.press("y")
        assert app.clipboard == f"{'ab12' * 16}  a.csv"
        await pilot.press("j", "y")
        assert app.clipboard == f"b[/red].csv: {REFUSED.message}"
        await pilot.press("tab", "j", "y")
        assert r"b[/red].csv \x1b[2J stopped" in app.clipboard
        await pilot.press("r")
        await settle(pilot)
        assert engine.store.all_runs[2].trigger is Trigger.RETRY
        assert "run 2 of acme" in lines_of(app)[0]
        await pilot.press("x")
        assert engine.cancelled == [2]
        await pilot.press("r")
        assert "acme is running already (run 2)" in told(app)


async def test_a_run_that_is_not_there_says_so(app: WharfApp) -> None:
    async with app.run_test() as pilot:
        await opened(pilot, 77)
        assert "There is no run 77." in told(app)
        await pilot.press("r", "x", "y", "tab", "escape")
        assert not isinstance(app.screen, RunScreen)


def attempts(number: int) -> list[Event]:
    log = []
    for place in range(number):
        at = NOW + timedelta(seconds=10 * place)
        log += [
            Event(at, "connect", f"to host {place}", ms=12.0),
            Event(at, "transfer", f"a[/red]{place}.csv: cut\x1b[2J", ok=place == number - 1, ms=900.0),
        ]
        if place < number - 1:
            log.append(Event(at + timedelta(seconds=1), "retry", f"retry {place + 1} of 9 in 1 s"))
    return log


async def test_attempts_stand_side_by_side(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    run = await engine.ran("acme", Status.COMPLETED, files=FILES[:1], events=attempts(2))
    async with app.run_test(size=(140, 45)) as pilot:
        await opened(pilot, run.run_id)
        assert "Attempts 2" in screen_text(app)
        await pilot.press("tab", "tab")
        await settle(pilot)
        (heading,) = [line for line in lines_of(app) if "Attempt 1" in line]
        assert "Attempt 2" in heading
        (transfer,) = [line for line in lines_of(app) if line.lstrip().startswith("transfer")]
        assert transfer.index("✗") < transfer.index("a[/red]0.csv: cut\\x1b[2J") < transfer.index("✓")
        await pilot.press("tab")
        assert isinstance(app.focused, RowTable)
        assert app.focused.id == "files"


async def test_where_there_is_room_for_few_the_latest_attempts_are_shown(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    run = await engine.ran("acme", Status.COMPLETED, files=FILES[:1], events=attempts(9))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, run.run_id)
        await pilot.press("tab", "tab")
        await settle(pilot)
        text = screen_text(app)
        assert "Attempt 9" in text
        assert "Attempt 7" not in text
        assert "7 more in the events" in text


async def test_one_attempt_has_nothing_to_be_compared_with(app: WharfApp, engine: FakeEngine) -> None:
    run_id = await failed_run(engine)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, run_id)
        assert "Attempts" not in screen_text(app)
        await pilot.press("tab", "tab")
        assert isinstance(app.focused, RowTable)
        assert app.focused.id == "files"

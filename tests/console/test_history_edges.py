"""History and Run screens where things are odd: nothing there yet, hostile names, hands on the mouse wheel."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual.events import Key
from textual.widgets import Input

from tests.console.conftest import lines_of, settle
from tests.console.fakes import NOW, FakeEngine
from tui.console.app import WharfApp
from tui.console.screens import history_list
from tui.console.screens.history import HistoryScreen
from tui.console.screens.history_list import PAGE, RunList
from tui.console.screens.run import RunScreen
from tui.console.widgets.empty_state import EmptyState
from tui.console.widgets.row_table import RowTable
from tui.console.widgets.status import StatusLine
from tui.domain.failure import Failure, FailureClass, TransferFailed
from tui.domain.filter import Facts
from tui.domain.filter_facts import run_facts
from tui.domain.run import Event, FileRecord, FileStatus, Progress, Run, Status


def on(app: WharfApp, screen: str) -> bool:
    return type(app.screen).__name__ == screen


def text_of(app: WharfApp) -> str:
    return "\n".join(lines_of(app))


async def history(app: WharfApp, pilot: Any, name: str | None = None) -> HistoryScreen:
    screen = HistoryScreen(app.engine, name)
    await app.push_screen(screen)
    await settle(pilot)
    return screen


async def run_screen(app: WharfApp, pilot: Any, run_id: int) -> RunScreen:
    screen = RunScreen(app.engine, run_id)
    await app.push_screen(screen)
    await settle(pilot)
    return screen


def events(number: int, first: int = 0) -> list[Event]:
    return [Event(NOW + timedelta(milliseconds=n), "step", f"event {n}", ms=1.0) for n in range(first, first + number)]


async def test_keys_work_once_the_first_run_appears(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    async with app.run_test() as pilot:
        screen = await history(app, pilot, "acme")
        assert "No runs yet" in text_of(app)
        await engine.ran("acme")
        await engine.ran("acme")
        await settle(pilot)
        await pilot.press("j")
        assert screen.query_one(RowTable).cursor_key == 1
        await pilot.press("enter")
        await settle(pilot)
        assert on(app, "RunScreen")
        await pilot.press("escape")
        await settle(pilot)
        assert on(app, "HistoryScreen")


async def test_keys_work_again_after_a_filter_without_matches_is_cleared(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    for _ in range(3):
        await engine.ran("acme")
    async with app.run_test() as pilot:
        screen = await history(app, pilot, "acme")
        await pilot.press("slash", "z", "z", "z")
        await settle(pilot)
        assert "No run matches" in text_of(app)
        await pilot.press("escape")
        await settle(pilot)
        await pilot.press("j")
        assert screen.query_one(RowTable).cursor_key == 2


async def test_enter_on_a_filter_without_matches_then_escape(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    for _ in range(3):
        await engine.ran("acme")
    async with app.run_test() as pilot:
        screen = await history(app, pilot, "acme")
        await pilot.press("slash", "z", "z", "z", "enter")
        await settle(pilot)
        await pilot.press("escape")
        await settle(pilot)
        assert on(app, "HistoryScreen")
        await pilot.press("j")
        assert screen.query_one(RowTable).cursor_key == 2


async def test_files_that_appear_later_can_be_walked_through(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    run = await engine.start("acme")
    async with app.run_test() as pilot:
        screen = await run_screen(app, pilot, run.run_id)
        await engine.store.record_files(run.run_id, {n: FileRecord(f"{n}.csv", 5) for n in range(4)})
        await settle(pilot)
        await pilot.press("j", "j")
        assert screen.query_one("#files", RowTable).cursor == 2


async def test_the_wheel_is_not_overruled_by_new_events(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    run = await engine.start("acme")
    await engine.store.record_events(run.run_id, events(200))
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await run_screen(app, pilot, run.run_id)
        await pilot.press("tab")
        await settle(pilot)
        assert "event 199" in text_of(app)
        table = screen.query_one("#events", RowTable)
        table.scroll_to(y=20, animate=False, force=True)
        await settle(pilot)
        assert "event 25" in text_of(app)
        await engine.store.record_events(run.run_id, events(7, 200))
        await settle(pilot)
        assert "event 25" in text_of(app)
        assert "+7 new" in text_of(app)


async def test_the_wheel_is_not_overruled_by_new_runs(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    for _ in range(90):
        await engine.ran("acme")
    async with app.run_test(size=(100, 30)) as pilot:
        screen = await history(app, pilot, "acme")
        table = screen.query_one(RowTable)
        table.scroll_to(y=40, animate=False, force=True)
        await settle(pilot)
        seen = table.render_line(3).text
        await engine.ran("acme")
        await settle(pilot)
        assert table.render_line(3).text == seen


async def test_retry_on_the_run_screen_goes_to_the_new_run(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    await engine.ran("acme", Status.FAILED, failure=Failure(FailureClass.NETWORK, "Cut.", "Mend."))
    async with app.run_test() as pilot:
        await history(app, pilot, "acme")
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("r")
        await settle(pilot)
        assert engine.started == ["acme"]
        assert on(app, "RunScreen")
        assert "acme › run 2" in text_of(app)
        await pilot.press("escape")
        await settle(pilot)
        assert on(app, "HistoryScreen")


HOSTILE = [
    "a[/red].csv",
    "x\x1b]0;pwned\x07.csv",
    "inv\u202efdp.exe",
    "n" * 4000,
    "\x9b2J",
    "caf\udce9",
    "[@click=app.quit]q",
]


@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
async def test_hostile_files(app: WharfApp, engine: FakeEngine, size: tuple[int, int]) -> None:
    await engine.add("acme")
    broken = Failure(FailureClass.UNSAFE_NAME, "The name is unsafe [/] here.", "Ask [red] the sender.")
    files = [FileRecord(name, 9, 3, FileStatus.FAILED, failure=broken) for name in HOSTILE]
    told = [Event(NOW, f"s[/]{n}", f"detail {name}", ok=False) for n, name in enumerate(HOSTILE)]
    run = await engine.ran("acme", Status.FAILED, failure=broken, files=files, events=told)
    async with app.run_test(size=size) as pilot:
        await run_screen(app, pilot, run.run_id)
        for _ in HOSTILE:
            shown = text_of(app)
            assert not any(mark in shown for mark in "\x1b\x07\x9b\u202e\udce9")
            assert shown.count("The name is unsafe [/] here.") >= 2
            assert "Ask [red] the sender." in shown
            await pilot.press("j")
            await pilot.pause()
        await pilot.press("tab")
        for _ in HOSTILE:
            shown = text_of(app)
            assert not any(mark in shown for mark in "\x1b\x07\x9b\u202e\udce9")
            await pilot.press("j")
            await pilot.pause()
        app.export_screenshot()


async def test_what_happens_costs_what_changed_and_not_what_was_read(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.add("acme", "borealis")
    for _ in range(3 * PAGE):
        await engine.ran("acme")
    runs = RunList(engine.store, None)
    await runs.read_new()
    while not runs.complete:
        await runs.read_older()
    looked_at: list[int] = []

    def facts(run: Run) -> Facts:
        looked_at.append(run.run_id)
        return run_facts(run)

    monkeypatch.setattr(history_list, "run_facts", facts)
    new = await engine.start("borealis")
    await runs.read_new()
    assert looked_at == [new.run_id]
    engine.progress("borealis", Progress(1, 2, 50, 100))
    runs.observe(engine.snapshot().live)
    assert looked_at == [new.run_id] * 2
    assert [entry.run_id for entry in runs.shown] == list(range(3 * PAGE + 1, 0, -1))
    assert runs.shown[0].run.progress.files_done == 1
    assert (runs.count(Status.IN_PROGRESS), runs.count(Status.COMPLETED)) == (1, 3 * PAGE)
    await engine.end("borealis", Status.FAILED)
    await runs.read_new()
    assert (runs.count(Status.IN_PROGRESS), runs.count(Status.FAILED)) == (0, 1)


async def test_of_a_status_only_its_runs_are_read(engine: FakeEngine) -> None:
    await engine.add("acme", "slow")
    await engine.ran("acme", Status.FAILED)
    slow = await engine.start("slow")
    for _ in range(3 * PAGE):
        await engine.ran("acme")
    runs = RunList(engine.store, None)
    runs.observe(engine.snapshot().live)
    assert runs.narrow("status:failed")
    await runs.read_new()
    assert [entry.run_id for entry in runs.shown] == [1]
    assert runs.complete
    await engine.end("slow", Status.FAILED)
    for _ in range(PAGE + 1):
        await engine.ran("acme", Status.FAILED)
    await runs.read_new()
    assert [entry.run_id for entry in runs.shown][-2:] == [slow.run_id, 1]
    assert runs.narrow("status:failed,completed")
    await runs.read_new()
    assert len(runs.shown) == PAGE
    assert not runs.narrow("status:comp,fail acme")


async def test_a_run_that_goes_on_far_below_leaves_no_gap(engine: FakeEngine) -> None:
    await engine.add("slow", "acme")
    await engine.start("slow")
    for _ in range(3 * PAGE):
        await engine.ran("acme")
    runs = RunList(engine.store, None)
    runs.observe(engine.snapshot().live)
    await runs.read_new()
    assert [entry.run_id for entry in runs.shown][-2:] == [2 * PAGE + 2, 1]
    assert not runs.complete
    while not runs.complete:
        await runs.read_older()
    assert [entry.run_id for entry in runs.shown] == list(range(3 * PAGE + 1, 0, -1))


async def test_a_search_keeps_only_what_it_finds(engine: FakeEngine) -> None:
    await engine.add("acme", "borealis")
    await engine.ran("borealis")
    for _ in range(5 * PAGE):
        await engine.ran("acme")
    runs = RunList(engine.store, None)
    await runs.read_new()
    assert not runs.narrow("borealis")
    while not runs.complete:
        assert not runs.shown
        await runs.read_older()
        assert runs.complete or runs.searched_back_to is not None
    assert [entry.run_id for entry in runs.shown] == [1]
    assert len(runs.runs) == PAGE + 1
    assert runs.searched_back_to is None
    runs.narrow("")
    assert (len(runs.runs), runs.complete) == (PAGE, False)
    assert runs.count(Status.COMPLETED) == PAGE


_LINES = ["", "status:failed", "a", "b status:comp,fail", "-b", "run:<4", "zzz", "status:in"]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(["start a", "start b", "end a", "end b", "ran c", "ran c", "new", "older", "older"])
        | st.sampled_from(_LINES).map("filter {}".format),
        max_size=40,
    )
)
async def test_whatever_was_read_and_asked_for_in_the_end_all_that_is_meant_is_shown(steps: list[str]) -> None:
    engine = FakeEngine()
    engine.store.slice = 4
    await engine.add("a", "b", "c")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history_list, "PAGE", 3)
        runs = RunList(engine.store, None)
        for step in steps:
            match step.split(" ", 1):
                case ["start", name] if name not in engine.live:
                    await engine.start(name)
                case ["end", name] if name in engine.live:
                    await engine.end(name, Status.FAILED if len(engine.store.all_runs) % 2 else Status.COMPLETED)
                case ["ran", name]:
                    await engine.ran(name)
                case ["new"]:
                    await runs.read_new()
                case ["older"]:
                    await runs.read_older()
                case ["filter", line] if runs.narrow(line):
                    await runs.read_new()
            runs.observe(engine.snapshot().live)
        await runs.read_new()
        while not runs.complete:
            await runs.read_older()
    everything = await engine.store.runs(limit=1000)
    meant = [run for run in everything if runs.filter.accepts(run_facts(run))]
    assert [entry.run_id for entry in runs.shown] == [run.run_id for run in meant]
    in_memory = Counter(run.status for run in runs.runs)
    assert {status: runs.count(status) for status in in_memory} == in_memory


async def test_a_search_tells_how_far_it_is_and_gives_way_to_the_next_letter(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    for _ in range(10 * PAGE):
        await engine.ran("acme")
    told: list[tuple[str, str]] = []
    searched = engine.store.searched

    def at_slice() -> None:
        told.append((str(app.screen.query_one(StatusLine).render()), str(app.screen.query_one(EmptyState).render())))
        if len(searched) == 2:
            app.screen.query_one(Input).insert_text_at_cursor("q")

    engine.store.at_slice = at_slice
    async with app.run_test(size=(120, 30)) as pilot:
        await history(app, pilot)
        await pilot.press("slash", "z")
        while (len(searched) < 3 or searched[-1][1] != 1) and len(searched) < 30:
            await settle(pilot)
        slices = range(9 * PAGE + 1, 0, -engine.store.slice)
        letters = [words for words, _ in searched].index("zq")
        assert searched[:letters] == [("z", before) for before in slices][:letters]
        assert letters < len(slices)
        assert searched[letters:] == [("zq", before) for before in slices]
        assert all("Searching for runs that match" in instead for _, instead in told)
        anew = {0, letters}
        assert ["searched back to" in line for line, _ in told] == [place not in anew for place in range(len(told))]
        await settle(pilot)
        assert "No run matches the filter" in text_of(app)
        assert "searched back to" not in text_of(app)
        await pilot.press("escape")
        await settle(pilot)
        assert "of 100+ shown" in text_of(app)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(["start a", "start b", "end a", "end b", "new", "older", "narrow", "all"]), max_size=25)
)
async def test_a_list_kept_up_to_date_is_the_one_read_anew(steps: list[str]) -> None:
    engine = FakeEngine()
    await engine.add("a", "b")
    runs = RunList(engine.store, None)
    for step in [*steps, "new"]:
        match step.split():
            case ["start", name] if name not in engine.live:
                await engine.start(name)
            case ["end", name] if name in engine.live:
                await engine.end(name, Status.FAILED if len(engine.store.all_runs) % 2 else Status.COMPLETED)
            case ["new"]:
                await runs.read_new()
            case ["older"]:
                await runs.read_older()
            case ["narrow"]:
                runs.narrow("status:failed")
            case ["all"]:
                runs.narrow("")
        runs.observe(engine.snapshot().live)
    anew = RunList(engine.store, None)
    anew.narrow("status:failed" if runs.filter else "")
    anew.observe(engine.snapshot().live)
    await anew.read_new()
    assert list(runs.runs) == list(anew.runs)
    assert list(runs.shown) == list(anew.shown)
    assert [runs.count(status) for status in Status] == [anew.count(status) for status in Status]


async def test_the_longest_failure_is_there_in_full_on_a_small_terminal(app: WharfApp, engine: FakeEngine) -> None:
    told = TransferFailed(FailureClass.REJECTED, "The server said: " + "no such thing as this file here, " * 40).failure
    long = told._replace(remedy=max((each.remedy for each in FailureClass), key=len))
    last_word = long.remedy.split()[-1]
    await engine.add("acme")
    files = [FileRecord("n" * 300, 9, 3, FileStatus.FAILED, failure=long)] * 3
    run = await engine.ran("acme", Status.FAILED, failure=long, files=files)
    async with app.run_test(size=(80, 24)) as pilot:
        await history(app, pilot, "acme")
        assert "no such thing as thi…" in text_of(app)
        assert last_word in text_of(app)
        await run_screen(app, pilot, run.run_id)
        lines = lines_of(app)
        assert lines[0].startswith(" Wharf  Connections › acme › run 1 of acme")
        assert sum("no such thing as thi…" in line for line in lines) == 1
        assert sum(last_word in line for line in lines) == 1
        assert sum(line.startswith("nnn") for line in lines) == 3
        await pilot.press("enter")
        await settle(pilot)
        below = text_of(app).partition("Proof or failure")[2]
        assert "no such thing as thi…" in below
        assert last_word in below
        await pilot.press("escape")
        await settle(pilot)
        assert text_of(app) == "\n".join(lines)
        await pilot.press("escape")
        await settle(pilot)
        assert on(app, "HistoryScreen")


@pytest.mark.parametrize("home", [True, False])
async def test_what_arrives_in_one_go_is_typed_into_the_filter(app: WharfApp, engine: FakeEngine, home: bool) -> None:
    await engine.add("run-x")
    await engine.start("run-x")
    await engine.end("run-x")
    engine.started.clear()
    async with app.run_test() as pilot:
        await settle(pilot)
        if not home:
            await history(app, pilot)
        for character in "/run-x q":
            app.post_message(Key({"/": "slash", " ": "space", "-": "minus"}.get(character, character), character))
        await settle(pilot)
        await settle(pilot)
        assert engine.started == []
        assert app.screen.query_one(Input).value == "run-x q"

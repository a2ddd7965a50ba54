"""The home screen, by key and by mouse."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from textual.widgets import Input

from tests.console.conftest import Opened, lines_of, place_of, settle
from tests.console.fakes import FakeEngine
from tui.console.app import WharfApp
from tui.console.dialogs.confirm import ConfirmDialog
from tui.console.dialogs.facets import FacetDialog
from tui.console.dialogs.testing import TestDialog
from tui.console.screens.connections import ConnectionsScreen
from tui.console.widgets.row_table import RowTable
from tui.console.widgets.running_panel import RunningPanel
from tui.domain.connection_file import read_connections
from tui.domain.failure import Failure, FailureClass, StoreProblem
from tui.domain.run import Event, FileRecord, Progress, Run, Status
from tui.engine.live import WAITING_FOR_PLACE
from tui.store.base import ConnectionState, Unreadable

HEADINGS = ("Name", "Type", "Direction", "Method", "Status", "Last Active", "Actions")
REFUSED = Failure(FailureClass.AUTH, "The server refused [/red] the login.", "Check the secret.")


def table(app: WharfApp) -> RowTable[ConnectionState]:
    return app.screen.query_one(RowTable)


def shown(app: WharfApp) -> list[str]:
    return [state.connection.name for state in table(app).items]


def screen_text(app: WharfApp) -> str:
    return "\n".join(lines_of(app))


def told(app: WharfApp) -> list[str]:
    return [notification.message for notification in app._notifications]


async def typed(pilot: object, text: str) -> None:
    names = {":": "colon", " ": "space", "-": "minus", ",": "comma"}
    await pilot.press(*(names.get(letter, letter) for letter in text))  # type: ignore[attr-defined]  # a Pilot of any app


# What is shown


@pytest.mark.parametrize("size", [(80, 24), (120, 30)])
async def test_a_connection_without_encryption_carries_a_warning(
    app: WharfApp, engine: FakeEngine, size: tuple[int, int]
) -> None:
    endpoint = {"host": "h", "username": "u", "tls": "none"}
    await engine.add("old", method="ftp", ftp={**endpoint, "secret": "env:X"})
    await engine.add("mail", method="email", email={**endpoint, "secret": "env:X"})
    await engine.add("new", method="ftp")
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        rows = {
            name: next(line for line in lines_of(app) if re.search(rf"\b{name}\b.*bound", line))
            for name in ("old", "mail", "new")
        }
    assert "FTP⚠" in rows["old"]
    assert "Email⚠" in rows["mail"]
    assert "⚠" not in rows["new"]


@pytest.mark.parametrize("size", [(80, 24), (120, 30), (200, 50)])
async def test_all_seven_columns_at_every_size(app: WharfApp, engine: FakeEngine, size: tuple[int, int]) -> None:
    await engine.add("acme-conversions-emea-1")
    await engine.ran("acme-conversions-emea-1", Status.FAILED, failure=REFUSED)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        heading = next(line for line in lines_of(app) if "Direction" in line and "Last" in line)
        assert [heading.index(word) for word in HEADINGS] == sorted(heading.index(word) for word in HEADINGS)
        row = next(line for line in lines_of(app) if "✗ Failed" in line and "SFTP" in line)
        for words in ("acme-conver", "Inbound", "SFTP", "✗ Failed", "Edit", "History"):
            assert words in row


async def test_hostile_texts_are_shown_as_they_are(app: WharfApp, engine: FakeEngine) -> None:
    name = "a[red] [@click=app.quit]b"
    await engine.add(name)
    await engine.ran(name, Status.FAILED, failure=REFUSED)
    await engine.start(name)
    engine.progress(name, Progress(0, 1, 1, 100, "x[/red]\x1b]0;pwned\x07.csv"), note="waits for [/bold] \x1b[2J")
    async with app.run_test(size=(160, 40)) as pilot:
        await settle(pilot)
        await pilot.press("d", "escape", "t", "escape", "x", "space", "space")
        await settle(pilot)
        text = screen_text(app)
        assert name in text
        assert "[/bold] \\x1b[2J" in text
        assert "\x1b" not in text
        await engine.end(name, Status.FAILED, REFUSED)
        await settle(pilot)
        assert REFUSED.message in screen_text(app)
        assert REFUSED.remedy in screen_text(app)


async def test_the_empty_state_says_what_to_do(app: WharfApp) -> None:
    async with app.run_test() as pilot:
        await settle(pilot)
        text = screen_text(app)
        for words in ("No connections yet", "wharf import FILE", "wharf demo", "0 of 0 shown"):
            assert words in text


@pytest.mark.parametrize("key", ["e", "enter", "r", "x", "t", "c", "o", "d", "space"])
async def test_actions_without_a_connection_say_why(app: WharfApp, key: str) -> None:
    async with app.run_test() as pilot:
        await pilot.press(key)
        await pilot.pause()
        assert [text for text in told(app) if "n describes a new one" in text]


async def test_keys_reach_the_table_again_after_it_was_empty(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("d", "y")
        await settle(pilot)
        assert "No connections yet" in screen_text(app)
        await engine.add("b", "c")
        await settle(pilot)
        await pilot.press("j")
        assert table(app).cursor_key == "c"


async def test_disabled_connections_differ_in_words(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme", enabled=False)
    async with app.run_test() as pilot:
        await settle(pilot)
        assert any(line.startswith("off acme") for line in lines_of(app))


async def test_unreadable_connections_are_counted(app: WharfApp, engine: FakeEngine) -> None:
    engine.store.broken.append(Unreadable("x", "written by a newer Wharf"))
    async with app.run_test() as pilot:
        await settle(pilot)
        assert "1 unreadable" in lines_of(app)[0]


async def test_a_store_that_fails_is_told_and_does_not_end_the_app(
    app: WharfApp, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> list[ConnectionState]:
        raise StoreProblem("The disk is full [/].")

    await engine.add("acme")
    async with app.run_test() as pilot:
        await settle(pilot)
        monkeypatch.setattr(engine.store, "overview", fail)
        engine.store.bump()
        await settle(pilot)
        assert "The disk is full [/]." in told(app)
        assert shown(app) == ["acme"]


# Running


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


# Cursor, order, filter


async def test_cursor_follows_its_connection_through_sort_filter_and_updates(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a", "b", "c", "d")
    await engine.ran("d", Status.FAILED, failure=REFUSED)
    await engine.add("e", type="catalog")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("j", "j")
        assert table(app).cursor_key == "c"
        for key in ("s", "S", "s", "s", "s", "s"):
            await pilot.press(key)
            assert table(app).cursor_key == "c"
        await engine.add("aa", "bb")
        await engine.store.delete("a")
        await settle(pilot)
        assert table(app).cursor_key == "c"
        await pilot.press("slash")
        await typed(pilot, "type:conv")
        await pilot.press("enter")
        assert "e" not in shown(app)
        assert table(app).cursor_key == "c"
        await pilot.press("escape")
        assert table(app).cursor_key == "c"


async def test_sort_by_every_column_with_names_second(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("b", "a", type="reversals", method="ftp")
    await engine.add("d", "c", direction="outbound", method="email")
    await engine.ran("d", Status.FAILED, failure=REFUSED)
    await engine.ran("a")
    expected = {
        "type": ["a", "b", "c", "d"],
        "direction": ["a", "b", "c", "d"],
        "method": ["c", "d", "a", "b"],
        "status": ["d", "a", "b", "c"],
        "last_active": ["a", "d", "b", "c"],
        "name": ["a", "b", "c", "d"],
    }
    async with app.run_test() as pilot:
        await settle(pilot)
        for column, order in expected.items():
            await pilot.press("s")
            assert (column, shown(app)) == (column, order)
        await pilot.press("S")
        assert shown(app) == ["d", "c", "b", "a"]
        await pilot.click(offset=place_of(app, "Method", line="Last Active"))
        await pilot.pause()
        assert shown(app) == ["c", "d", "a", "b"]
        await pilot.click(offset=place_of(app, "Metho", line="Last Active"))
        await pilot.pause()
        assert shown(app) == ["a", "b", "c", "d"]
        assert "▼" in next(line for line in lines_of(app) if "Direction" in line and "Last" in line)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("acme", ["acme-in", "acme-out"]),
        ("ACME out", ["acme-out"]),
        ("status:failed", ["borealis"]),
        ("status:f", ["borealis"]),
        ("status:none,failed", ["acme-out", "borealis"]),
        ("method:email direction:out", ["acme-out"]),
        ("type:product", ["borealis"]),
        ("type:catalog", ["borealis"]),
        ("conversion data", ["acme-in", "acme-out"]),
        ("never", ["acme-out"]),
        ("nothing like it", []),
    ],
)
async def test_filter(app: WharfApp, engine: FakeEngine, line: str, expected: list[str]) -> None:
    await engine.add("acme-in")
    await engine.add("acme-out", direction="outbound", method="email")
    await engine.add("borealis", type="catalog", method="ftp")
    await engine.ran("acme-in")
    await engine.ran("borealis", Status.FAILED, failure=REFUSED)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("slash")
        app.screen.query_one(Input).value = line
        await pilot.pause()
        assert shown(app) == expected
        assert f"{len(expected)} of 3 shown" in screen_text(app)
        assert ("No connection matches" in screen_text(app)) == (not expected)
        await pilot.press("escape")
        assert len(shown(app)) == 3
        assert not isinstance(app.focused, Input)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("status:lost", "status: is none, in-progress, completed or failed"),
        ("statu:failed", "did you mean status:?"),
        ("method:", "tab: method:sftp  method:ftp  method:email"),
        ("last:soon", "last: is compared, such as <2h"),
    ],
)
async def test_a_wrong_term_is_told_in_place(app: WharfApp, engine: FakeEngine, line: str, problem: str) -> None:
    await engine.add("acme")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("slash")
        app.screen.query_one(Input).value = line
        await pilot.pause()
        assert problem in screen_text(app)


async def test_tab_completes_what_is_typed(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme", "borealis")
    await engine.ran("acme", Status.FAILED, failure=REFUSED)
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("slash")
        await typed(pilot, "sta")
        await pilot.press("tab")
        await typed(pilot, "f")
        await pilot.press("tab", "tab")
        assert app.screen.query_one(Input).value == "status:failed"
        assert isinstance(app.focused, Input)
        assert shown(app) == ["acme"]


async def test_letters_typed_into_the_filter_do_nothing_else(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("acme")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("slash")
        await typed(pilot, "qrdxeno")
        assert app.screen.query_one(Input).value == "qrdxeno"
        assert isinstance(app.screen, ConnectionsScreen)
        assert engine.started == []
        assert "Run" not in lines_of(app)[-1]


async def test_facets_by_key_and_by_mouse(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a", "b")
    await engine.add("c", method="ftp")
    async with app.run_test(size=(80, 40)) as pilot:
        await settle(pilot)
        await pilot.click("#facet-method")
        assert isinstance(app.screen, FacetDialog)
        await pilot.press("j", "space")
        assert "[x] FTP" in screen_text(app)
        await pilot.press("escape")
        assert app.screen.query_one(Input).value == "method:ftp"
        assert shown(app) == ["c"]
        await pilot.press("f", "c", "escape")
        assert shown(app) == ["a", "b", "c"]


# Actions


async def test_words_in_actions_answer_to_clicks(
    app: WharfApp, engine: FakeEngine, stand_in: Callable[[str, str], Opened]
) -> None:
    edited = stand_in("tui.console.dialogs.connection_form", "ConnectionForm")
    viewed = stand_in("tui.console.screens.history", "HistoryScreen")
    await engine.add("a-one", "b-two")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.click(offset=place_of(app, "Edit", line="b-two"))
        await pilot.pause()
        assert edited == [(engine.store.all["b-two"], False)]
        await app.pop_screen()
        await pilot.pause()
        await pilot.click(offset=place_of(app, "History", line="a-one"))
        await pilot.pause()
        assert viewed == [("a-one",)]


async def test_keys_open_form_and_history(
    app: WharfApp, engine: FakeEngine, stand_in: Callable[[str, str], Opened]
) -> None:
    edited = stand_in("tui.console.dialogs.connection_form", "ConnectionForm")
    viewed = stand_in("tui.console.screens.history", "HistoryScreen")
    await engine.add("a", "b")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("j")
        for key in ("e", "c", "n", "enter", "h"):
            await pilot.press(key)
            await pilot.pause()
            assert len(app.screen_stack) == 2
            await app.pop_screen()
        acme = engine.store.all["b"]
        assert edited == [(acme, False), (acme, True), (None, False)]
        assert viewed == [("b",), (None,)]


async def test_a_double_click_views_the_history(
    app: WharfApp, engine: FakeEngine, stand_in: Callable[[str, str], Opened]
) -> None:
    viewed = stand_in("tui.console.screens.history", "HistoryScreen")
    await engine.add("a-one", "b-two")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.click(offset=place_of(app, "b-two"), times=2)
        await pilot.pause()
        assert viewed == [("b-two",)]
        assert len(app.screen_stack) == 2


async def test_a_saved_connection_gets_the_cursor(
    app: WharfApp, engine: FakeEngine, stand_in: Callable[[str, str], Opened]
) -> None:
    stand_in("tui.console.dialogs.connection_form", "ConnectionForm")
    await engine.add("a", "b")
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("n")
        await engine.add("zulu")
        app.screen.dismiss(engine.store.all["zulu"])
        await pilot.pause()
        assert table(app).cursor_key == "zulu"


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


async def test_the_test_shows_its_steps_while_they_happen(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a")
    engine.test_steps = [
        Event(datetime.now(UTC), "resolve", "one[/] address", ms=3.0),
        Event(datetime.now(UTC), "login", "refused", ok=False),
    ]
    engine.test_failure = REFUSED
    engine.test_goes_on.clear()
    async with app.run_test() as pilot:
        await settle(pilot)
        await pilot.press("t")
        await pilot.pause()
        assert isinstance(app.screen, TestDialog)
        assert [line.strip("│ ").split() for line in lines_of(app) if "✓ resolve" in line] == [
            ["✓", "resolve", "one[/]", "address", "3", "ms"]
        ]
        assert "✗ login" in screen_text(app)
        assert REFUSED.remedy not in screen_text(app)
        engine.test_goes_on.set()
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert f"✗ Failed at login ({REFUSED.failure_class.value})." in screen_text(app)
        assert REFUSED.remedy in screen_text(app)
        await pilot.press("escape")
        assert isinstance(app.screen, ConnectionsScreen)


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


async def test_the_latest_runs_stand_in_the_pane_each_above_its_bytes(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a", "b")
    await engine.ran("a", files=[FileRecord("x.csv", 4_000_000, 4_000_000)])
    await engine.ran("a", Status.FAILED, failure=REFUSED)
    await engine.ran("a")
    await engine.ran("b")
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        lines = lines_of(app)
        place = next(y for y, line in enumerate(lines) if "Last 3" in line)
        signs, bars = lines[place], lines[place + 1]
        assert "✓✗·  1 of 3 runs failed" in signs
        first = signs.index("✓✗·")
        assert bars[first : first + 4] == "█▁▁ "
        await engine.ran("a", files=[FileRecord("y.csv", 2_000_000, 2_000_000)])
        await settle(pilot)
        assert "✓✗·✓  1 of 4 runs failed" in screen_text(app)
        await pilot.press("j")
        await settle(pilot)
        assert "of 4 runs" not in screen_text(app)


async def test_the_latest_runs_are_read_once_for_each_change(
    app: WharfApp, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.add("a", "b")
    for name in "aabb":
        await engine.ran(name)
    asked: list[str | None] = []
    runs = engine.store.runs

    async def counted(name: str | None = None, **options: Any) -> list[Run]:
        asked.append(name)
        return await runs(name, **options)

    monkeypatch.setattr(engine.store, "runs", counted)
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        await pilot.press("j", "k", "j", "k")
        engine.store.bump()
        await settle(pilot)
        assert sorted(asked, key=str) == ["a", "b"]


async def test_details_of_the_connection_under_the_cursor(app: WharfApp, engine: FakeEngine) -> None:
    await engine.add("a", after="move", move_to="done[/]")
    await engine.ran("a", files=[FileRecord("x.csv", 1_400_000, 1_400_000)])
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        text = screen_text(app)
        for words in ("sftp://wharf@sftp.acme.example:22/outgoing", "/batches", "*.csv", "moved to done[/]", "1.4 MB"):
            assert words in text


@pytest.mark.parametrize("size", [(80, 24), (140, 40)])
async def test_a_certificate_that_ends_soon_is_warned_of_in_the_row_and_in_words(
    app: WharfApp, engine: FakeEngine, size: tuple[int, int]
) -> None:
    await engine.add("a", method="ftp")
    await engine.add("b", method="ftp")
    for name, days in (("a", 12), ("b", 40)):
        await engine.store.record_certificate(name, "", datetime.now(UTC) + timedelta(days=days, hours=1))
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        assert re.findall(r" FTP(.)", screen_text(app)) == ["!", " "]
        assert "! certificate ends in 12 days, on " in screen_text(app)
        await pilot.press("j")
        await settle(pilot)
        assert "certificate" not in screen_text(app)

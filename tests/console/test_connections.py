"""What the home screen shows, and how it stays true."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.console.conftest import lines_of, settle
from tests.console.connection_support import REFUSED, screen_text, shown, table, told
from tests.console.fakes import FakeEngine
from tui.console.app import WharfApp
from tui.domain.failure import StoreProblem
from tui.domain.run import FileRecord, Progress, Run, Status
from tui.store.base import ConnectionState, Unreadable

HEADINGS = ("Name", "Type", "Direction", "Method", "Status", "Last Active", "Actions")


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


async def test_keys_do_not_wait_for_the_store(
    app: WharfApp, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.add("a", "b", "c")
    read, begun, may_end = engine.store.overview, asyncio.Event(), asyncio.Event()
    reads = 0

    async def slow() -> list[ConnectionState]:
        nonlocal reads
        reads += 1
        begun.set()
        await may_end.wait()
        return await read()

    async with app.run_test() as pilot:
        await settle(pilot)
        monkeypatch.setattr(engine.store, "overview", slow)
        await engine.add("d")
        app.bridge.sample()
        await begun.wait()
        await pilot.press("j")
        assert table(app).cursor_key == "b"
        for name in ("e", "f"):
            await engine.add(name)
            app.bridge.sample()
            await pilot.pause()
        may_end.set()
        await settle(pilot)
        assert shown(app) == list("abcdef")
        assert reads == 2, "one that was under way, and one for all that came meanwhile"


async def test_what_is_read_while_the_screen_is_taken_down_is_not_shown(
    app: WharfApp, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its parts go before its workers: whoever quit at that moment was told of a fault of Wharf."""
    await engine.add("a")
    read, begun, may_end = engine.store.overview, asyncio.Event(), asyncio.Event()

    async def slow() -> list[ConnectionState]:
        begun.set()
        await may_end.wait()
        return await read()

    async with app.run_test() as pilot:
        await settle(pilot)
        monkeypatch.setattr(engine.store, "overview", slow)
        await engine.add("b")
        app.bridge.sample()
        await begun.wait()
        await app.screen.remove_children()
        may_end.set()
        await app.workers.wait_for_complete()


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

"""What screens send to the terminal: nothing while nothing happens, what has changed, and one screen when resized."""

import socket
from pathlib import Path

from tests.pty.picture import Picture
from tests.pty.silence import save_silent_connection
from tests.pty.terminal import Terminal, wharf_on_terminal
from tests.store.samples import connection
from tui.domain.run import FileRecord, FileStatus, Outcome, Progress, Status, Trigger
from tui.paths import Paths
from tui.store.process import this_process
from tui.store.sqlite import SqliteStore

_PER_SECOND = 300
"""Bytes that the seconds and the heartbeat of a run may take: some cells, and not a line of each table."""


async def save_ended_run(paths: Paths) -> None:
    store = SqliteStore(paths.database)
    await store.open()
    await store.save(connection())
    run = await store.begin_run("acme", Trigger.MANUAL, this_process())
    done = FileRecord("a.csv", 5, 5, FileStatus.COMPLETED, "ab" * 32, "sizes equal")
    await store.record_files(run.run_id, {0: done})
    await store.end_run(run.run_id, Outcome(Status.COMPLETED), Progress(1, 1, 5, 5))
    await store.close()


def sent(terminal: Terminal, seconds: float) -> bytes:
    """What is sent in so long, once all that was under way has come."""
    terminal.quiet(1.0)
    before = len(terminal.seen)
    terminal.listen(seconds)
    return terminal.seen[before:]


def sent_meanwhile(terminal: Terminal, seconds: float) -> bytes:
    """What a screen that is never quiet sends in so long, once it has been drawn."""
    terminal.listen(2.0)
    before = len(terminal.seen)
    terminal.listen(seconds)
    return terminal.seen[before:]


async def test_the_history_and_a_run_that_has_ended_send_nothing_while_idle(paths: Paths) -> None:
    await save_ended_run(paths)
    with wharf_on_terminal() as terminal:
        place = terminal.wait_for(b"Quit", since=terminal.wait_for(b"acme"))
        terminal.type(b"\r")
        place = terminal.wait_for(b"Outcome", since=place)
        assert sent(terminal, 3.0) == b""
        place = len(terminal.seen)
        terminal.type(b"\r")
        terminal.wait_for(b"sizes equal", since=place)
        assert sent(terminal, 3.0) == b""
        terminal.type(b"\x11")
        assert terminal.end() == 0


async def test_of_a_run_that_waits_the_history_and_the_run_send_only_its_seconds(
    silent_server: socket.socket, paths: Paths, tmp_path: Path
) -> None:
    await save_silent_connection(paths, silent_server, tmp_path)
    with wharf_on_terminal(SILENT="hunter2") as terminal:
        place = terminal.wait_for(b"Quit", since=terminal.wait_for(b"silent"))
        terminal.type(b"r")
        place = terminal.wait_for(b"In Progress", since=place)
        terminal.type(b"\r")
        place = terminal.wait_for(b"Outcome", since=place)
        assert 0 < len(sent_meanwhile(terminal, 4.0)) < 4 * _PER_SECOND
        terminal.type(b"\r")
        place = terminal.wait_for(b"No files yet", since=place)
        assert 0 < len(sent_meanwhile(terminal, 4.0)) < 4 * _PER_SECOND
        place = len(terminal.seen)
        terminal.type(b"\x11")
        terminal.wait_for(b"Quitting stops it", since=place)
        terminal.type(b"\t\r")
        assert terminal.end() == 0


def picture(data: bytes, columns: int, rows: int) -> list[str]:
    shown = Picture(columns, rows)
    shown.feed(data)
    return shown.lines


async def test_a_resize_sends_one_screen_and_many_in_a_row_end_in_the_right_picture(paths: Paths) -> None:
    await save_ended_run(paths)
    with wharf_on_terminal(columns=100, rows=30) as terminal:
        terminal.wait_for(b"Quit", since=terminal.wait_for(b"acme"))
        terminal.quiet(1.0)
        whole, right = len(terminal.seen), picture(terminal.seen, 100, 30)
        terminal.type(b"\x11")
        assert terminal.end() == 0
    with wharf_on_terminal(columns=80, rows=24) as terminal:
        terminal.wait_for(b"Quit", since=terminal.wait_for(b"acme"))
        terminal.quiet(1.0)
        place = len(terminal.seen)
        terminal.resize(100, 30)
        terminal.wait_until(lambda: picture(terminal.seen[place:], 100, 30) == right, "the larger screen")
        terminal.quiet(1.0)
        assert len(terminal.seen) - place < 1.5 * whole
        for columns in range(60, 141, 4):
            terminal.resize(columns, 20 + columns % 25)
        terminal.resize(100, 30)
        terminal.quiet(1.0)
        assert picture(terminal.seen, 100, 30) == right
        terminal.type(b"\x11")
        assert terminal.end() == 0

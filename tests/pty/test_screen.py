"""The real program on a real terminal: what it leaves behind when it is ended from outside, and where it refuses."""

import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.pty.modes import ALTERNATE_SCREEN, MOUSE, assert_as_it_was, is_set
from tests.pty.silence import assert_interrupted, save_silent_connection, the_run, wharf_with_a_run
from tests.pty.terminal import wharf_on_terminal
from tui.domain.run import Status
from tui.paths import Paths

FIRST_FRAME = b"No connections yet"
ENDINGS = pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)], ids=str
)


@ENDINGS
def test_a_signal_ends_the_screen_and_leaves_the_terminal_as_it_was(number: signal.Signals, code: int) -> None:
    with wharf_on_terminal() as terminal:
        before = terminal.modes
        terminal.wait_for(FIRST_FRAME)
        assert terminal.modes != before
        assert is_set(terminal.seen, ALTERNATE_SCREEN)
        assert all(is_set(terminal.seen, mode) for mode in MOUSE)
        terminal.send(number)
        assert terminal.end() == code
        assert_as_it_was(terminal.seen)
        assert terminal.modes == before


@ENDINGS
async def test_a_signal_puts_the_run_in_progress_on_record(
    silent_server: socket.socket, paths: Paths, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    async with wharf_with_a_run(silent_server, paths, tmp_path) as terminal:
        assert (await the_run(paths)).status is Status.IN_PROGRESS
        terminal.send(number)
        assert terminal.end() == code
        assert_as_it_was(terminal.seen)
        assert b"hunter2" not in terminal.seen


async def test_of_several_signals_the_first_counts_and_none_cuts_the_end_short(
    silent_server: socket.socket, paths: Paths, tmp_path: Path
) -> None:
    async with wharf_with_a_run(silent_server, paths, tmp_path) as terminal:
        terminal.send(signal.SIGTERM)
        # Written when the screen is left; the engine is closed after that.
        terminal.wait_for(b"\x1b[?1049l")
        terminal.send(signal.SIGHUP)
        terminal.send(signal.SIGTERM)
        assert terminal.end() == 143
        assert_as_it_was(terminal.seen)


async def test_a_lost_terminal_ends_the_screen_and_puts_the_run_on_record(
    silent_server: socket.socket, paths: Paths, tmp_path: Path
) -> None:
    async with wharf_with_a_run(silent_server, paths, tmp_path) as terminal:
        terminal.hang_up()
        assert terminal.end() == 129


@pytest.mark.parametrize("ending", ["SIGTERM", "hang-up"])
async def test_a_terminal_that_takes_nothing_any_more_holds_up_neither_the_work_nor_the_end(
    silent_server: socket.socket, paths: Paths, tmp_path: Path, ending: str
) -> None:
    await save_silent_connection(paths, silent_server, tmp_path)
    with wharf_on_terminal(SILENT="hunter2") as terminal:
        terminal.wait_for(b"silent")
        terminal.stop_reading()
        # Help is opened and closed again, each time a screen to draw; what comes after it works all the same.
        terminal.type(b"?" * 40 + b"r")
        peer, _ = silent_server.accept()
        with peer:
            if ending == "hang-up":
                terminal.hang_up()
                assert terminal.end() == 129
            else:
                terminal.send(signal.SIGTERM)
                assert terminal.end() == 143
    assert_interrupted(await the_run(paths))


async def test_leaving_while_a_transfer_runs_asks_and_puts_it_on_record(
    silent_server: socket.socket, paths: Paths, tmp_path: Path
) -> None:
    async with wharf_with_a_run(silent_server, paths, tmp_path) as terminal:
        terminal.type(b"q")
        terminal.wait_for(b"still running here")
        terminal.type(b"y")
        assert terminal.end() == 0
        assert_as_it_was(terminal.seen)


def test_the_screen_follows_the_size_of_the_window() -> None:
    with wharf_on_terminal() as terminal:
        # The whole first frame: its last text is the last of the footer.
        place = terminal.wait_for(b"Quit", since=terminal.wait_for(FIRST_FRAME))
        terminal.resize(140, 45)
        # The footer is drawn in the last of 45 lines now.
        terminal.wait_for(b"\x1b[45;1H", since=place)
        terminal.type(b"q")
        assert terminal.end() == 0


async def test_the_title_tells_what_runs_and_is_given_back(
    silent_server: socket.socket, paths: Paths, tmp_path: Path
) -> None:
    await save_silent_connection(paths, silent_server, tmp_path)
    with wharf_on_terminal(SILENT="hunter2") as terminal:
        place = terminal.wait_for(b"\x1b]2;Wharf\x1b\\", since=terminal.wait_for(b"\x1b[22;2t"))
        terminal.type(b"r")
        place = terminal.wait_for(b"\x1b]2;Wharf: 1 running\x1b\\", since=place)
        terminal.type(b"x")
        terminal.wait_for(b"\x1b]2;Wharf: 1 failed\x1b\\", since=place)
        terminal.type(b"q")
        assert terminal.end() == 0
        assert terminal.seen.count(b"\x1b[22;2t") == terminal.seen.count(b"\x1b[23;2t") == 1
        assert_as_it_was(terminal.seen)


def test_the_title_can_be_left_alone(paths: Paths) -> None:
    paths.settings.write_text("title = false\n")
    with wharf_on_terminal() as terminal:
        terminal.wait_for(FIRST_FRAME)
        terminal.type(b"q")
        assert terminal.end() == 0
        assert b"\x1b]2;" not in terminal.seen
        assert b";2t" not in terminal.seen


def test_without_the_mouse_the_terminal_is_never_asked_for_it() -> None:
    with wharf_on_terminal("--no-mouse") as terminal:
        terminal.wait_for(b"Quit", since=terminal.wait_for(FIRST_FRAME))
        terminal.type(b"q")
        assert terminal.end() == 0
        assert not [mode for mode in MOUSE if b"\x1b[?" + mode + b"h" in terminal.seen]


@pytest.mark.parametrize("key", [b"", b"/"], ids=["table", "filter"])
def test_an_idle_screen_sends_nothing(key: bytes) -> None:
    with wharf_on_terminal() as terminal:
        terminal.wait_for(b"\x1b]2;Wharf", since=terminal.wait_for(b"Quit", since=terminal.wait_for(FIRST_FRAME)))
        terminal.type(key)
        terminal.quiet(1.0)
        before = len(terminal.seen)
        terminal.listen(5.0)
        assert terminal.seen[before:] == b""
        terminal.type(b"\x11")
        assert terminal.end() == 0


def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again() -> None:
    with wharf_on_terminal() as terminal:
        before = terminal.modes
        terminal.wait_for(FIRST_FRAME)
        terminal.type(b"\x1a")
        place = terminal.wait_for(b"\x1b[?1049l")
        terminal.wait_until_stopped()
        terminal.listen(0.1)
        assert_as_it_was(terminal.seen)
        assert terminal.modes == before
        terminal.send(signal.SIGCONT)
        terminal.wait_for(FIRST_FRAME, since=terminal.wait_for(b"\x1b[?1049h", since=place))
        terminal.type(b"q")
        assert terminal.end() == 0
        assert_as_it_was(terminal.seen)
        assert terminal.modes == before


async def test_ctrl_z_is_refused_while_a_transfer_runs(
    silent_server: socket.socket, paths: Paths, tmp_path: Path
) -> None:
    async with wharf_with_a_run(silent_server, paths, tmp_path) as terminal:
        terminal.type(b"\x1a")
        terminal.wait_for(b"would stand still")
        assert b"\x1b[?1049l" not in terminal.seen
        terminal.send(signal.SIGTERM)
        assert terminal.end() == 143


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_can_show_no_screen_is_refused_with_a_sentence(term: str) -> None:
    with wharf_on_terminal(TERM=term) as terminal:
        assert terminal.end() == 2
        assert b"cannot show a screen" in terminal.seen
        assert b"\x1b" not in terminal.seen


def test_without_a_keyboard_the_screen_is_refused_with_a_sentence() -> None:
    with wharf_on_terminal(stdin=subprocess.DEVNULL) as terminal:
        assert terminal.end() == 2
        assert b"needs a terminal" in terminal.seen
        assert b"\x1b" not in terminal.seen


def test_an_escape_that_stands_alone_is_a_key() -> None:
    with wharf_on_terminal() as terminal:
        terminal.wait_for(FIRST_FRAME)
        terminal.type(b"/zzz")
        here = terminal.wait_for(b"zzz")
        terminal.type(b"\x1b")
        terminal.wait_for(b"words, status", since=here)
        terminal.type(b"\x11")
        assert terminal.end() == 0


def test_a_line_that_is_slow_to_take_what_is_shown_is_told() -> None:
    with wharf_on_terminal() as terminal:
        place = terminal.wait_for(b"Quit", since=terminal.wait_for(FIRST_FRAME))
        terminal.stop_reading()
        terminal.type(b"??")
        terminal.listen(0.6)
        terminal.read_again()
        terminal.wait_for(b"SLOW LINE", since=place)
        terminal.type(b"q")
        assert terminal.end() == 0

"""Wharf in a window of GNU screen and of tmux, as operators of jump hosts have it: one of 256 colours."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.pty.terminal import Terminal, on_terminal
from tests.servers.debian import find_program
from tui.console import uses_mouse
from tui.settings import Auto

FIRST_FRAME = b"No connections yet"

SCREEN_RC = "startup_message off\nterm screen-256color\ndefutf8 on\naltscreen on\n"

WHARF = (sys.executable, "-m", "tui")


@contextmanager
def in_screen(folder: Path) -> Iterator[Terminal]:
    sockets = folder / "sockets"
    sockets.mkdir(mode=0o700)
    (folder / "rc").write_text(SCREEN_RC)
    program = str(find_program("screen", "screen"))
    window = (program, "-U", "-c", str(folder / "rc"), "-S", "wharf", *WHARF)
    try:
        with on_terminal(*window, SCREENDIR=str(sockets), LC_ALL="C.UTF-8") as terminal:
            yield terminal
    finally:
        _end(program, "-S", "wharf", "-X", "quit", SCREENDIR=str(sockets))


@contextmanager
def in_tmux(folder: Path) -> Iterator[Terminal]:
    program = (str(find_program("tmux", "tmux")), "-u", "-f", "/dev/null")
    try:
        with on_terminal(
            *program, "new-session", *WHARF, TMUX="", TMUX_TMPDIR=str(folder), LC_ALL="C.UTF-8"
        ) as terminal:
            yield terminal
    finally:
        _end(*program, "kill-server", TMUX_TMPDIR=str(folder))


def _end(*command: str, **environment: str) -> None:
    """End what a test that failed has left; otherwise there is nothing there any more."""
    subprocess.run(command, env={**os.environ, **environment}, check=False, capture_output=True)


@pytest.mark.parametrize("within", [in_screen, in_tmux])
def test_escape_is_a_key_the_size_is_followed_and_the_window_closes(
    within: Callable[[Path], AbstractContextManager[Terminal]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with within(tmp_path_factory.mktemp("m")) as terminal:
        place = terminal.wait_for(b"Quit", since=terminal.wait_for(FIRST_FRAME))
        assert b"\x1b[38;5;" in terminal.seen or b";38;5;" in terminal.seen
        terminal.type(b"/zzz")
        place = terminal.wait_for(b"zzz", since=place)
        terminal.quiet(0.5)
        terminal.type(b"\x1b")
        # What stands there while nothing is typed comes back before another key is pressed.
        place = terminal.wait_for(b"words", since=place)
        terminal.resize(140, 45)
        terminal.wait_for(b"Quit", since=place)
        terminal.type(b"q")
        assert terminal.end() == 0


@pytest.mark.parametrize(
    ("setting", "environment", "used"),
    [
        ("auto", {"TERM": "xterm-256color"}, True),
        ("auto", {"TERM": "tmux-256color", "TMUX": "/tmp/tmux,1,0"}, True),
        ("auto", {"TERM": "screen-256color", "TMUX": "/tmp/tmux,1,0"}, True),
        ("auto", {"TERM": "screen-256color", "STY": "1.tty"}, False),
        ("auto", {"TERM": "screen.xterm-256color"}, False),
        ("auto", {"TERM": "screen", "STY": "1.tty", "TMUX": "/tmp/tmux,1,0"}, False),
        (True, {"TERM": "screen", "STY": "1.tty"}, True),
        (False, {"TERM": "xterm"}, False),
    ],
)
def test_the_mouse_is_left_to_gnu_screen_unless_it_is_asked_for(
    setting: Auto, environment: dict[str, str], used: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TERM", "STY", "TMUX"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert uses_mouse(setting) is used

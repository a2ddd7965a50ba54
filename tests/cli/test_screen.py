"""The commands that open a screen, on a terminal."""

import signal
from pathlib import Path

import pytest

from tests.cli.conftest import OnTerminal, Wharf

ALTERNATE_SCREEN_ON, ALTERNATE_SCREEN_OFF = b"\x1b[?1049h", b"\x1b[?1049l"
MOUSE_ON = b"\x1b[?1000h"


def test_the_screen_opens_and_q_leaves_it() -> None:
    screen = OnTerminal()
    screen.answer(b"Quit", b"q")
    assert screen.end() == 0
    assert screen.seen.rfind(ALTERNATE_SCREEN_ON) < screen.seen.rfind(ALTERNATE_SCREEN_OFF)
    assert MOUSE_ON in screen.seen


def test_no_mouse_leaves_the_mouse_to_the_terminal() -> None:
    screen = OnTerminal("--no-mouse")
    screen.answer(b"Quit", b"q")
    assert screen.end() == 0
    assert MOUSE_ON not in screen.seen


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=str
)
def test_a_signal_ends_the_screen_and_restores_the_terminal(number: signal.Signals, code: int) -> None:
    screen = OnTerminal()
    screen.wait_for(b"Quit")
    screen.send(number)
    assert screen.end() == code
    assert ALTERNATE_SCREEN_OFF in screen.seen
    assert b"Traceback" not in screen.seen


def test_a_dumb_terminal_is_refused_with_a_sentence() -> None:
    screen = OnTerminal(term="dumb")
    assert screen.end() == 2
    assert b"cannot show a screen" in screen.seen
    assert b"\x1b" not in screen.seen


def test_the_demo_needs_a_terminal_unless_it_only_checks(wharf: Wharf, tmp_path: Path) -> None:
    refused = wharf("demo")
    assert refused.code == 2
    assert "needs a terminal" in refused.err
    (tmp_path / "something").touch()
    refused = wharf("demo", "--check", "--keep", str(tmp_path))
    assert refused.code == 2
    assert "is not empty" in refused.err

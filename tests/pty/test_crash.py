"""A fault of the console while a secret is being typed: what is left of it on the terminal and on disk."""

import sys

from tests.pty.modes import assert_as_it_was
from tests.pty.terminal import on_terminal
from tui.paths import Paths

SECRET = b"correct-horse-7"

DOWN = b"\x1b[B"

FIELDS_BEFORE_SECRET = 8

FAULTY = """
import sys
from tui.cli import main
from tui.console.dialogs.connection_form import ConnectionForm

async def fall_over(form):
    typed = form._typed_secret()
    raise RuntimeError(f"cannot use {typed}")

ConnectionForm.action_test = fall_over
sys.exit(main([]))
"""


def test_the_terminal_is_restored_and_a_report_tells_where_without_the_secret(paths: Paths) -> None:
    with on_terminal(sys.executable, "-c", FAULTY) as terminal:
        before = terminal.modes
        terminal.wait_for(b"Quit", since=terminal.wait_for(b"No connections yet"))
        terminal.type(b"n")
        place = terminal.wait_for(b"Save", since=len(terminal.seen))
        terminal.type(DOWN * FIELDS_BEFORE_SECRET + SECRET)
        terminal.wait_for("•".encode() * len(SECRET), since=place)
        terminal.type(b"\x14")
        assert terminal.end() == 1
        assert terminal.modes == before
        assert_as_it_was(terminal.seen)
        told = terminal.seen[terminal.seen.rindex(b"\x1b[?1049l") :]
    (report,) = paths.state.glob("crash-*.txt")
    assert b"Wharf has a fault (RuntimeError)" in told
    assert report.name.encode() in told.replace(b"\r\n", b"")
    assert "in fall_over" in report.read_text()
    assert report.stat().st_mode & 0o077 == 0
    written = b"".join(path.read_bytes() for path in paths.state.rglob("*") if path.is_file())
    for text in (terminal.seen, written):
        assert SECRET not in text
        assert SECRET[:7] not in text

"""Wharf on a terminal: a process on a pseudo terminal that the test types at and reads from, with a deadline."""

import os
import pty
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

PATIENCE = 30.0
"""Seconds that a text may take to appear, and a process to end."""

_BLOCK = 65_536


class Terminal:
    """A running Wharf. `seen` is every byte that it has written to its terminal."""

    def __init__(self, process: subprocess.Popen[bytes], ours: int, theirs: int) -> None:
        self.seen = b""
        self.readings: list[tuple[float, bytes]] = []
        """What was written, with the moments (of `monotonic`) when it was read."""
        self._process = process
        self._ours = ours
        # Kept open: what the terminal was told last can be read after the process has ended, and so can its modes.
        self._theirs = theirs

    def wait_for(self, text: bytes, *, since: int = 0) -> int:
        """Until the text is seen at or after the place `since`; returns the place behind it."""
        self.wait_until(lambda: self.seen.find(text, since) >= 0, repr(text))
        return self.seen.find(text, since) + len(text)

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        """Until something holds, which can change only when something is written."""
        deadline = monotonic() + PATIENCE
        while not holds():
            if not self._read(deadline):
                raise AssertionError(f"{what} was not shown; the terminal got {self.seen[-2000:]!r}")

    def listen(self, seconds: float) -> None:
        """Take whatever is written for so long."""
        deadline = monotonic() + seconds
        while self._read(deadline):
            pass

    def quiet(self, seconds: float) -> None:
        """Until nothing has been written for so long."""
        end = monotonic() + PATIENCE
        while self._read(monotonic() + seconds):
            assert monotonic() < end, "the terminal is never quiet"

    def wait_until_stopped(self) -> None:
        """Until the process is suspended (state T of proc(5))."""
        deadline = monotonic() + PATIENCE
        stat = Path(f"/proc/{self._process.pid}/stat")
        while stat.read_text().rpartition(")")[2].split()[0] != "T":
            assert monotonic() < deadline, "the process was not suspended"
            self._read(monotonic() + 0.05)

    def type(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def stop_reading(self) -> None:
        """From now on the terminal takes nothing, as when the line behind it is dead."""
        termios.tcflow(self._theirs, termios.TCOOFF)

    def read_again(self) -> None:
        """After `stop_reading`."""
        termios.tcflow(self._theirs, termios.TCOON)

    def hang_up(self) -> None:
        """The terminal goes away, as when sshd gives a line up."""
        nothing_to_read = os.eventfd(0)
        os.dup2(nothing_to_read, self._ours)
        os.close(nothing_to_read)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the window, as a terminal emulator does."""
        termios.tcsetwinsize(self._ours, (rows, columns))
        self._process.send_signal(signal.SIGWINCH)

    def end(self) -> int:
        """Wait for the end of the process and read what is left; the exit code."""
        code = self._ended()
        while select.select([self._ours], [], [], 0)[0]:
            self._take()
        return code

    @property
    def modes(self) -> list[Any]:
        """How the terminal treats what is typed (echo, line editing), as `tcgetattr` gives it."""
        return termios.tcgetattr(self._theirs)

    def _ended(self) -> int:
        # A process that writes more than the terminal holds can end only while somebody reads.
        deadline = monotonic() + PATIENCE
        while (code := self._process.poll()) is None:
            if monotonic() > deadline:
                raise AssertionError(f"Wharf did not end; the terminal got {self.seen[-2000:]!r}")
            self._read(min(deadline, monotonic() + 0.05))
        return code

    def _read(self, deadline: float) -> bool:
        """Take what there is, waiting for it until the deadline; whether there was anything."""
        ready, _, _ = select.select([self._ours], [], [], max(deadline - monotonic(), 0))
        if ready:
            self._take()
        return bool(ready)

    def _take(self) -> None:
        data = os.read(self._ours, _BLOCK)
        self.seen += data
        self.readings.append((monotonic(), data))


@contextmanager
def wharf_on_terminal(
    *argv: str, columns: int = 80, rows: int = 24, stdin: int | None = None, **environment: str
) -> Iterator[Terminal]:
    """Start Wharf on a terminal of its own; it is gone at the end of the body. `stdin` replaces the terminal there."""
    with on_terminal(
        sys.executable, "-m", "tui", *argv, columns=columns, rows=rows, stdin=stdin, **environment
    ) as terminal:
        yield terminal


@contextmanager
def on_terminal(
    *argv: str, columns: int = 80, rows: int = 24, stdin: int | None = None, **environment: str
) -> Iterator[Terminal]:
    """Start a program on a terminal of its own; it is gone at the end of the body. `stdin` replaces the terminal
    there."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(ours, (rows, columns))
    # The workers of pytest-xdist have both, and they overrule what the terminal says of its size.
    inherited = {key: value for key, value in os.environ.items() if key not in {"COLUMNS", "LINES"}}
    process = subprocess.Popen(
        # setsid: the pseudo terminal is to be the controlling one, as it is for a login.
        ["setsid", "--ctty", *argv] if stdin is None else argv,
        stdin=theirs if stdin is None else stdin,
        stdout=theirs,
        stderr=theirs,
        env={**inherited, "TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none", **environment},
    )
    try:
        yield Terminal(process, ours, theirs)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)
